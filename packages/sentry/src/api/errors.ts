// Errors of the host API: one base class, a stable `code`, what to do next in `hint`.
import type { WireError } from '../control/messages.js';

export interface SandboxErrorDetails {
  readonly hint?: string | undefined;
  readonly errno?: string | undefined;
  readonly path?: string | undefined;
  readonly cause?: unknown;
}

/** Base of every error this package throws or rejects with. `code` starts with `ERR_SANDBOX_`. */
export class SandboxError extends Error {
  readonly code: string;
  /** What to do next, in words. */
  readonly hint: string | undefined;
  /** Linux errno name, where a path or call inside the sandbox is meant. */
  readonly errno: string | undefined;
  readonly path: string | undefined;

  constructor(code: string, message: string, details: SandboxErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
    this.errno = details.errno;
    this.path = details.path;
  }
}

/** An option has an unknown name or a wrong value. */
export class SandboxOptionError extends SandboxError {}

/** The program could not be started: `errno` says why, as execve(2) would. */
export class SandboxExecError extends SandboxError {}

/** The sandbox ended, or could not be started. */
export class SandboxClosedError extends SandboxError {}

/** `check: true` and the program failed; `result` holds what it gave. */
export class SandboxExitError extends SandboxError {
  readonly result: unknown;

  constructor(message: string, result: unknown) {
    super('ERR_SANDBOX_EXIT', message);
    this.result = result;
  }
}

/** Makes the typed error from what the sentry sent. */
export function errorFromWire(wire: WireError): SandboxError {
  const details = { hint: wire.hint, errno: wire.errno, path: wire.path };
  if (wire.code === 'ERR_SANDBOX_EXEC') return new SandboxExecError(wire.code, wire.message, details);
  if (wire.code === 'ERR_SANDBOX_OPTION') return new SandboxOptionError(wire.code, wire.message, details);
  return new SandboxError(wire.code, wire.message, details);
}
