// arch_prctl(2): bases of FS and GS, CPUID, and features of the processor that a process must ask for (Linux's documentation of x86's
// xstate). The only ones of these are AMX's tiles, and they are not offered: no host permission is ever asked for on a stub's behalf, so
// that the host, too, answers their instructions with SIGILL, and frames of signals have one size.
import {
  ARCH_GET_CPUID,
  ARCH_GET_FS,
  ARCH_GET_GS,
  ARCH_GET_XCOMP_GUEST_PERM,
  ARCH_GET_XCOMP_PERM,
  ARCH_GET_XCOMP_SUPP,
  ARCH_REQ_XCOMP_GUEST_PERM,
  ARCH_REQ_XCOMP_PERM,
  ARCH_SET_CPUID,
  ARCH_SET_FS,
  ARCH_SET_GS,
  EINVAL,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  SYS_arch_prctl,
} from '@sandbox-kernel/abi';
import { FRAME_FS_BASE, FRAME_GS_BASE } from '@sandbox-kernel/contracts';
import { getRegister, type SyscallArgs, setRegister, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

/** The highest number of a state component that Linux 6.12 knows. */
const LAST_FEATURE = 18;

function archPrctl(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  switch (args.int(0)) {
    case ARCH_SET_FS:
      return setBase(task, FRAME_FS_BASE, addr);
    case ARCH_SET_GS:
      return setBase(task, FRAME_GS_BASE, addr);
    case ARCH_GET_FS:
      return task.memory.writeU64(addr, getRegister(task.frame, FRAME_FS_BASE));
    case ARCH_GET_GS:
      return task.memory.writeU64(addr, getRegister(task.frame, FRAME_GS_BASE));
    case ARCH_GET_CPUID:
      return 1;
    case ARCH_SET_CPUID:
      return -ENODEV;
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM:
    case ARCH_GET_XCOMP_GUEST_PERM:
      return tellFeatures(task, addr);
    case ARCH_REQ_XCOMP_PERM:
    case ARCH_REQ_XCOMP_GUEST_PERM:
      return addr > LAST_FEATURE ? -EINVAL : -EOPNOTSUPP;
    default:
      return -EINVAL;
  }
}

function setBase(task: Task, register: number, addr: number): number {
  if (addr >= task.kernel.platform.features.addressLimit) return -EPERM;
  setRegister(task.frame, register, addr);
  return 0;
}

/** All that there is may be used without asking. */
function tellFeatures(task: Task, addr: number): number {
  const { xcr0Low, xcr0High } = task.kernel.platform.features;
  return task.memory.writeU64(addr, xcr0High * 2 ** 32 + xcr0Low);
}

export const ARCH_PRCTL_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_arch_prctl,
    name: 'arch_prctl',
    handler: archPrctl,
    coverage: 'partial',
    format: 'xp',
    note: 'no CPUID faulting; AMX is not offered; no shadow stacks, no address tags',
  },
];
