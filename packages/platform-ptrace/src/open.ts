// Starting the platform, or saying in plain words why this host refuses it.
import { readFileSync } from 'node:fs';
import { errnoName } from '@sandbox-kernel/abi';
import { featuresOf, type StubOptions, StubUnavailableError } from '@sandbox-kernel/platform-stub';
import { createEngine } from './native.js';
import { type PtraceHostEvents, PtracePlatform } from './platform.js';

export type PtraceOptions = StubOptions<PtraceHostEvents>;

const PHASES = ['files', 'clone', 'traceme', 'exec', 'options', 'layout', 'filter', 'bell'] as const;
export type PtracePhase = (typeof PHASES)[number];

/** Why the platform can't run here. */
export class PtraceUnavailableError extends StubUnavailableError<PtracePhase> {
  readonly code = 'PTRACE_UNAVAILABLE';

  constructor(phase: PtracePhase, errno: number, reason: string, remedy: string) {
    super('ptrace', phase, errno, reason, remedy);
    this.name = 'PtraceUnavailableError';
  }
}

/** sigaction's number of the signal that rings the bell: SIGUSR2. */
const BELL_SIGNAL = 12;
const ADDRESS_LIMIT = 0x7fffffff0000;

/** Starts the platform. Throws PtraceUnavailableError. */
export function openPtracePlatform(options: PtraceOptions): PtracePlatform {
  const engine = createEngine();
  engine.args[0] = options.memoryFd;
  engine.args[1] = options.memoryReadOnlyFd;
  const error = engine.native.open();
  if (error < 0) throw explain(PHASES[engine.results[0] ?? 0] ?? 'files', -error);
  const platform = new PtracePlatform(engine, featuresOf(engine, ADDRESS_LIMIT, false), options.events);
  options.events.setBell({ futexAddress: 0, pid: engine.results[1] ?? 0, signal: BELL_SIGNAL });
  return platform;
}

function readNumber(path: string): number | null {
  try {
    const value = Number.parseInt(readFileSync(path, 'latin1'), 10);
    return Number.isNaN(value) ? null : value;
  } catch {
    return null;
  }
}

function seccompActive(): boolean {
  try {
    return /^Seccomp:\s*2/m.test(readFileSync('/proc/self/status', 'latin1'));
  } catch {
    return false;
  }
}

/** Turns a failed step into a reason and a remedy. */
function explain(phase: PtracePhase, errno: number): PtraceUnavailableError {
  const name = errnoName(errno);
  if (phase === 'traceme') return new PtraceUnavailableError(phase, errno, ...refusedTracing(name));
  if (phase === 'exec') {
    const remedy = 'Set the sysctl vm.memfd_noexec to 0 or 1, and allow execveat.';
    return new PtraceUnavailableError(
      phase,
      errno,
      `the stub could not be executed from memory (${name})`,
      remedy,
    );
  }
  if (phase === 'clone' || phase === 'bell') {
    const remedy = 'Raise the limit of processes (ulimit -u, pids cgroup).';
    return new PtraceUnavailableError(phase, errno, `no process could be started (${name})`, remedy);
  }
  const remedy = 'Run `sandbox-cli doctor` for details.';
  return new PtraceUnavailableError(
    phase,
    errno,
    `setting up the stub failed at "${phase}" (${name})`,
    remedy,
  );
}

function refusedTracing(name: string): [string, string] {
  const yama = readNumber('/proc/sys/kernel/yama/ptrace_scope') ?? 0;
  if (yama >= 2) {
    return [
      `ptrace is refused (${name}): kernel.yama.ptrace_scope is ${yama}`,
      yama === 2 ? 'Set it to 1, or run with CAP_SYS_PTRACE.' : 'It can only be lowered by a reboot.',
    ];
  }
  if (seccompActive()) {
    return [
      `ptrace is refused (${name}): a seccomp filter is active`,
      'Allow ptrace in the container profile (Docker: --cap-add SYS_PTRACE or a newer default profile).',
    ];
  }
  return [`ptrace is refused (${name})`, 'A security module of the host forbids it; see its log.'];
}
