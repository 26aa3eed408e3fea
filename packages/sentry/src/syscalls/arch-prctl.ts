// arch_prctl(2): bases of FS and GS, CPUID, and features of the processor that a process must ask for (Linux's documentation of x86's
// xstate), AMX's tiles: what uses them without is ended by the host's SIGILL, too. There are no virtual machines to ask for.
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
import {
  getRegister,
  LAST_FEATURE,
  requestFeature,
  type SyscallArgs,
  setRegister,
  type Task,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

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
      return tellFeatures(task, addr, true);
    case ARCH_GET_XCOMP_PERM:
      return tellFeatures(task, addr, task.image.dynamicFeatures);
    case ARCH_GET_XCOMP_GUEST_PERM:
      return tellFeatures(task, addr, false);
    case ARCH_REQ_XCOMP_PERM:
      return requestFeature(task, addr);
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

function tellFeatures(task: Task, addr: number, dynamic: boolean): number {
  const { dynamicFeatures, xcr0Low, xcr0High } = task.kernel.platform.features;
  const low = dynamic ? (xcr0Low | dynamicFeatures) >>> 0 : xcr0Low;
  return task.memory.writeU64(addr, xcr0High * 2 ** 32 + low);
}

export const ARCH_PRCTL_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_arch_prctl,
    name: 'arch_prctl',
    handler: archPrctl,
    coverage: 'partial',
    format: 'xp',
    note: 'no CPUID faulting, no shadow stacks, no address tags',
  },
];
