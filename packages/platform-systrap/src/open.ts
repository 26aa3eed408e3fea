// Starting the platform, or saying in plain words why this host refuses it.
import { errnoName } from '@sandbox-kernel/abi';
import type { HostEvents } from '@sandbox-kernel/contracts';
import { featuresOf, type StubOptions, StubUnavailableError } from '@sandbox-kernel/platform-stub';
import { createEngine } from './native.js';
import { SystrapPlatform } from './platform.js';

export interface SystrapOptions extends StubOptions<HostEvents> {
  /** Calls from one place before FRAME_HOT_SITE says that a patch pays; 0: never. Default 0. */
  readonly patchAfter?: number;
}

const PHASES = ['files', 'clone', 'exec', 'layout', 'filter', 'trap', 'threads'] as const;
export type SystrapPhase = (typeof PHASES)[number];

/** Why the platform can't run here. */
export class SystrapUnavailableError extends StubUnavailableError<SystrapPhase> {
  readonly code = 'SYSTRAP_UNAVAILABLE';

  constructor(phase: SystrapPhase, errno: number, reason: string, remedy: string) {
    super('systrap', phase, errno, reason, remedy);
    this.name = 'SystrapUnavailableError';
  }
}

const ADDRESS_LIMIT = 0x7fffc0000000;

/** Starts the platform. Throws SystrapUnavailableError. */
export function openSystrapPlatform(options: SystrapOptions): SystrapPlatform {
  const engine = createEngine();
  engine.args[0] = options.memoryFd;
  engine.args[1] = options.memoryReadOnlyFd;
  engine.args[3] = options.patchAfter ?? 0;
  const error = engine.native.open();
  if (error < 0) throw explain(PHASES[engine.results[0] ?? 0] ?? 'files', -error);
  options.events.setBell({ futexAddress: engine.results[1] ?? 0, pid: 0, signal: 0 });
  const features = { ...featuresOf(engine, ADDRESS_LIMIT, true), patchEntry: engine.results[6] ?? 0 };
  return new SystrapPlatform(engine, features, options.events);
}

const EXPLANATIONS: Readonly<Record<SystrapPhase, readonly [string, string]>> = {
  files: ['memory files, pipes or threads were refused', 'Run `sandbox-cli doctor` for details.'],
  clone: ['no process could be started', 'Raise the limit of processes (ulimit -u, pids cgroup).'],
  exec: [
    'the stub could not be executed from memory',
    'Set the sysctl vm.memfd_noexec to 0 or 1, and allow execveat.',
  ],
  layout: ['the stub could not arrange its memory', 'A security module of the host forbids it; see its log.'],
  filter: ['seccomp filters are refused', 'Use a kernel with CONFIG_SECCOMP_FILTER and allow seccomp(2).'],
  trap: [
    'a filtered system call did not come as a signal with the processor state',
    'The host lacks SECCOMP_RET_TRAP or XSAVE.',
  ],
  threads: [
    'stub processes could not be made',
    'Use Linux 5.3 or newer, and raise the limit of processes (ulimit -u).',
  ],
};

/** Turns a failed step into a reason and a remedy. */
function explain(phase: SystrapPhase, errno: number): SystrapUnavailableError {
  const [reason, remedy] = EXPLANATIONS[phase];
  return new SystrapUnavailableError(phase, errno, `${reason} (${errnoName(errno)})`, remedy);
}
