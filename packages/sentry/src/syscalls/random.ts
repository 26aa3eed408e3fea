// getrandom(2).
import {
  EFAULT,
  EINVAL,
  GRND_INSECURE,
  GRND_NONBLOCK,
  GRND_RANDOM,
  SYS_getrandom,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { MAX_RW_COUNT } from '@sandbox-kernel/mm';
import type { SyscallRow } from './row.js';
import { WORKSPACE_BYTES, workspaceOf } from './workspace.js';

function getrandom(task: Task, args: SyscallArgs): number {
  const flags = args.uint(2);
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return -EINVAL;
  if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) return -EINVAL;
  const { bytes } = workspaceOf(task);
  const wanted = args.size(1);
  const length = wanted < 0 || wanted > MAX_RW_COUNT ? MAX_RW_COUNT : wanted;
  let done = 0;
  while (done < length) {
    const part = Math.min(length - done, WORKSPACE_BYTES);
    task.kernel.random.fill(bytes, 0, part);
    const copied = task.memory.copyOut(args.addr(0) + done, bytes, 0, part);
    done += copied;
    if (copied < part) return done > 0 ? done : -EFAULT;
  }
  return done;
}

export const RANDOM_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getrandom, name: 'getrandom', handler: getrandom, coverage: 'full', format: 'pzx' },
];
