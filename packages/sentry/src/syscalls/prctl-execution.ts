// The operations of prctl(2) on how programs are run: what may become executable, calls that are given back to the program (Syscall User
// Dispatch), what the loader was told, speculation.
import {
  EACCES,
  EFAULT,
  EINVAL,
  ENODEV,
  ENXIO,
  EPERM,
  PR_GET_AUXV,
  PR_GET_MDWE,
  PR_GET_MEMORY_MERGE,
  PR_GET_SPECULATION_CTRL,
  PR_MDWE_NO_INHERIT,
  PR_MDWE_REFUSE_EXEC_GAIN,
  PR_SET_MDWE,
  PR_SET_MEMORY_MERGE,
  PR_SET_SPECULATION_CTRL,
  PR_SET_SYSCALL_USER_DISPATCH,
  PR_SPEC_ENABLE,
  PR_SPEC_L1D_FLUSH,
  PR_SYS_DISPATCH_INCLUSIVE_ON,
  PR_SYS_DISPATCH_OFF,
  PR_SYS_DISPATCH_ON,
  PROT_EXEC,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { emptyAreaInfo } from '@sandbox-kernel/mm';

const PAGE_SIZE = 4096;
const MDWE_BITS = PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT;

/** -EINVAL for what is none of these. */
export function execution(task: Task, args: SyscallArgs, option: number): number {
  switch (option) {
    case PR_GET_AUXV:
      return getAuxiliaryVector(task, args);
    case PR_SET_MDWE:
      return setExecuteBits(task, args);
    case PR_GET_MDWE:
      return areZero(args, 1) ? task.image.executeBits : -EINVAL;
    case PR_SET_MEMORY_MERGE:
      if (!areZero(args, 2)) return -EINVAL;
      task.image.mergesPages = args.addr(1) !== 0;
      return 0;
    case PR_GET_MEMORY_MERGE:
      return areZero(args, 1) ? Number(task.image.mergesPages) : -EINVAL;
    case PR_SET_SYSCALL_USER_DISPATCH:
      return setDispatch(task, args.addr(1), args.addr(2), args.addr(3), args.addr(4));
    case PR_GET_SPECULATION_CTRL:
      // On, and not for a program to change.
      if (!areZero(args, 2)) return -EINVAL;
      return args.addr(1) > PR_SPEC_L1D_FLUSH ? -ENODEV : PR_SPEC_ENABLE;
    case PR_SET_SPECULATION_CTRL:
      if (!areZero(args, 3)) return -EINVAL;
      return args.addr(1) > PR_SPEC_L1D_FLUSH ? -ENODEV : -ENXIO;
    default:
      return -EINVAL;
  }
}

function areZero(args: SyscallArgs, first: number): boolean {
  for (let i = first; i < 5; i++) if (args.addr(i) !== 0) return false;
  return true;
}

function getAuxiliaryVector(task: Task, args: SyscallArgs): number {
  if (!areZero(args, 3)) return -EINVAL;
  const { auxv } = task.image;
  const length = Math.min(args.addr(2), auxv.length);
  return task.memory.copyOut(args.addr(1), auxv, 0, length) === length ? auxv.length : -EFAULT;
}

function setExecuteBits(task: Task, args: SyscallArgs): number {
  const bits = args.addr(1);
  if (!areZero(args, 2) || bits > MDWE_BITS || bits === PR_MDWE_NO_INHERIT) return -EINVAL;
  const { image } = task;
  if (image.executeBits !== 0 && image.executeBits !== bits) return -EPERM;
  image.executeBits = bits;
  return 0;
}

/** 0, or -EACCES: new memory would be writable and executable under PR_SET_MDWE. */
export function mayMapWith(task: Task, prot: number): number {
  const both = PROT_WRITE | PROT_EXEC;
  return task.image.executeBits !== 0 && (prot & both) === both ? -EACCES : 0;
}

/** 0, or -EACCES: memory in [addr, addr + length) would become executable under PR_SET_MDWE. */
export function mayProtectWith(task: Task, addr: number, length: number, prot: number): number {
  if (task.image.executeBits === 0 || (prot & PROT_EXEC) === 0) return 0;
  if ((prot & PROT_WRITE) !== 0) return -EACCES;
  const { memory } = task;
  const end = addr + Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
  const area = emptyAreaInfo();
  for (let i = 0; i < memory.areaCount; i++) {
    memory.area(i, area);
    if (area.end > addr && area.start < end && (area.prot & PROT_EXEC) === 0) return -EACCES;
  }
  return 0;
}

/** `mode` PR_SYS_DISPATCH_*. */
export function setDispatch(
  task: Task,
  mode: number,
  offset: number,
  length: number,
  selector: number,
): number {
  const inclusive = mode === PR_SYS_DISPATCH_INCLUSIVE_ON;
  if (mode === PR_SYS_DISPATCH_OFF) {
    if (offset !== 0 || length !== 0 || selector !== 0) return -EINVAL;
    task.dispatch = null;
    task.refreshCallWork();
    return 0;
  }
  if (mode !== PR_SYS_DISPATCH_ON && !inclusive) return -EINVAL;
  if ((offset !== 0 || inclusive) && (length === 0 || offset + length >= 2 ** 64)) return -EINVAL;
  if (selector >= task.kernel.platform.features.addressLimit) return -EFAULT;
  task.dispatch = { offset, length, inclusive, selector };
  task.refreshCallWork();
  return 0;
}
