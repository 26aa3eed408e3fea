// Starting the platform, or saying in plain words why this host refuses it.
import { readFileSync } from 'node:fs';
import { errnoName } from '@sandbox-kernel/abi';
import type { HostEvents, PlatformFeatures } from '@sandbox-kernel/contracts';
import { createEngine, type Engine } from './native.js';
import { SystrapPlatform } from './platform.js';

export interface SystrapOptions {
  /** The memory file, open for reading and writing; and open for reading only (the same descriptor where that can't be had). */
  readonly memoryFd: number;
  readonly memoryReadOnlyFd: number;
  readonly events: HostEvents;
  /** Calls from one place before FRAME_HOT_SITE says that a patch pays; 0: never. Default 0. */
  readonly patchAfter?: number;
}

const PHASES = ['files', 'clone', 'exec', 'layout', 'filter', 'trap', 'threads'] as const;
export type SystrapPhase = (typeof PHASES)[number];

/** Why the platform can't run here. `reason` is one sentence for people; `remedy` says what to do. */
export class SystrapUnavailableError extends Error {
  readonly code = 'SYSTRAP_UNAVAILABLE';
  readonly errno: number;
  readonly phase: SystrapPhase;
  readonly reason: string;
  readonly remedy: string;

  constructor(phase: SystrapPhase, errno: number, reason: string, remedy: string) {
    super(`the systrap platform is not available: ${reason}. ${remedy}`);
    this.name = 'SystrapUnavailableError';
    this.errno = errno;
    this.phase = phase;
    this.reason = reason;
    this.remedy = remedy;
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
  return new SystrapPlatform(engine, featuresOf(engine), options.events);
}

function featuresOf(engine: Engine): PlatformFeatures {
  const { results } = engine;
  return {
    addressLimit: ADDRESS_LIMIT,
    addressMinimum: addressMinimum(),
    fpuSize: results[2] ?? 0,
    xcr0Low: results[3] ?? 0,
    xcr0High: results[4] ?? 0,
    faultErrorCode: true,
    fsgsbase: results[5] === 1,
    patchEntry: results[6] ?? 0,
  };
}

function addressMinimum(): number {
  try {
    const bytes = Number.parseInt(readFileSync('/proc/sys/vm/mmap_min_addr', 'latin1'), 10);
    return Math.max(4096, Math.ceil((Number.isNaN(bytes) ? 65536 : bytes) / 4096) * 4096);
  } catch {
    return 65536;
  }
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
