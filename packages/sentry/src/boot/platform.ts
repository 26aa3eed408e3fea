// Which platform runs the programs: the one asked for, or with `auto` systrap and, where this machine refuses it, ptrace.
import type { Platform } from '@sandbox-kernel/contracts';
import { openPtracePlatform, PtraceUnavailableError } from '@sandbox-kernel/platform-ptrace';
import { openSystrapPlatform, SystrapUnavailableError } from '@sandbox-kernel/platform-systrap';
import type { PatchingName, SandboxSpec } from '../control/messages.js';
import { RequestError } from '../control/server.js';
import type { HostSide } from './machine.js';

/** Calls from one place until it is patched. A patch costs some 30 µs and saves a bit less than 1 µs a call. */
const PATCH_AFTER: Readonly<Record<PatchingName, number>> = { off: 0, first: 1, hot: 32 };

function refused(reason: string, remedy: string): RequestError {
  return new RequestError({ code: 'ERR_SANDBOX_PLATFORM', message: reason, hint: remedy });
}

function open(side: HostSide, spec: SandboxSpec, name: 'ptrace' | 'systrap'): Platform | RequestError {
  const options = {
    memoryFd: side.memory.fd,
    memoryReadOnlyFd: side.memory.readOnlyFd,
    events: side.watcher,
  };
  const patchAfter = PATCH_AFTER[spec.patching];
  try {
    return name === 'ptrace' ? openPtracePlatform(options) : openSystrapPlatform({ ...options, patchAfter });
  } catch (error) {
    if (error instanceof PtraceUnavailableError) return refused(error.reason, error.remedy);
    if (error instanceof SystrapUnavailableError) return refused(error.reason, error.remedy);
    throw error;
  }
}

/** Throws RequestError when this machine refuses it. */
export function openPlatform(side: HostSide, spec: SandboxSpec): Platform {
  const first = open(side, spec, spec.platform === 'ptrace' ? 'ptrace' : 'systrap');
  if (!(first instanceof RequestError)) return first;
  if (spec.platform !== 'auto') throw first;
  const second = open(side, spec, 'ptrace');
  if (!(second instanceof RequestError)) return second;
  throw refused(`no platform works here: ${first.message}; ${second.message}`, second.wire.hint ?? '');
}
