// /proc/sys/kernel/pid_max and ns_last_pid (proc_sys_kernel(5)): where task numbers wrap around, and which was given last.
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, EINVAL, EPERM } from '@sandbox-kernel/abi';
import type { ProcessTable } from '@sandbox-kernel/kernel';
import { PseudoFile } from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';

/** The numbers that are left alone after a wrap, and one more. */
const SMALLEST_MAXIMUM = 301;
const LARGEST_MAXIMUM = 4194304;

function numberOf(text: string): number {
  const trimmed = text.trim();
  return /^\d{1,9}$/.test(trimmed) ? Number(trimmed) : -EINVAL;
}

export class PidMaximum extends PseudoFile {
  readonly #processes: ProcessTable;

  constructor(kernel: SentryKernel) {
    super(0o644);
    this.#processes = kernel.processes;
  }

  text(): string {
    return `${this.#processes.pidMax}\n`;
  }

  override write(text: string): number {
    const value = numberOf(text);
    if (value < SMALLEST_MAXIMUM || value > LARGEST_MAXIMUM) return -EINVAL;
    this.#processes.pidMax = value;
    return text.length;
  }
}

export class LastPid extends PseudoFile {
  readonly #kernel: SentryKernel;

  constructor(kernel: SentryKernel) {
    super(0o666);
    this.#kernel = kernel;
  }

  text(): string {
    return `${this.#kernel.processes.lastPid}\n`;
  }

  /** The next task gets the number after it, when that is free. */
  override write(text: string): number {
    const { current, processes } = this.#kernel;
    const rights = current?.credentials;
    if (
      rights?.hasCapability(CAP_SYS_ADMIN) !== true &&
      rights?.hasCapability(CAP_CHECKPOINT_RESTORE) !== true
    )
      return -EPERM;
    const value = numberOf(text);
    if (value < 0 || value > processes.pidMax) return -EINVAL;
    processes.lastPid = value;
    return text.length;
  }
}
