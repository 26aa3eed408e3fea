// NUMA calls on a machine with one node: set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2), move_pages(2). Arguments are
// checked as Linux does; since there is nowhere else to go, nothing moves, and a policy is not kept.
import {
  CAP_SYS_NICE,
  E2BIG,
  EACCES,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  ESRCH,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_ADDR,
  MPOL_F_MEMS_ALLOWED,
  MPOL_F_NODE,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_INTERLEAVE,
  MPOL_LOCAL,
  MPOL_MAX,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  MPOL_MF_VALID,
  MPOL_MODE_FLAGS,
  MPOL_PREFERRED_MANY,
  SYS_get_mempolicy,
  SYS_mbind,
  SYS_migrate_pages,
  SYS_move_pages,
  SYS_set_mempolicy,
  SYS_set_mempolicy_home_node,
} from '@sandbox-kernel/abi';
import { mayTrace, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

const PAGE_SIZE = 4096;
/** Bits of a node mask that Linux accepts at most (a page of them). */
const MASK_LIMIT = PAGE_SIZE * 8;
/** The one node as a mask. */
const NODE_0 = 1;

/** The node mask at `addr`: its low word where no other bit is set; -EINVAL: other nodes; -EFAULT. */
function readNodes(task: Task, addr: number, maxNode: number): number {
  const bits = maxNode - 1;
  if (addr === 0 || maxNode <= 1) return 0;
  if (bits > MASK_LIMIT) return -EINVAL;
  let low = 0;
  for (let word = 0; word * 32 < bits; word++) {
    const value = task.memory.readU32(addr + word * 4);
    if (value < 0) return -EFAULT;
    const valid = bits - word * 32 >= 32 ? value : value & (2 ** (bits - word * 32) - 1);
    if (word === 0) low = valid >>> 0;
    else if (valid !== 0) return -EINVAL;
  }
  return low > NODE_0 ? -EINVAL : low;
}

const BOTH = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

function isMode(mode: number): boolean {
  const kind = mode & ~MPOL_MODE_FLAGS;
  return kind >= 0 && kind <= MPOL_MAX && (mode & BOTH) !== BOTH;
}

/** Checks a mode with its flags against a node mask (sanitize_mpol_flags, mpol_new). 0 or -EINVAL. */
function checkPolicy(mode: number, nodes: number): number {
  const flags = mode & MPOL_MODE_FLAGS;
  const kind = mode & ~MPOL_MODE_FLAGS;
  if (!isMode(mode)) return -EINVAL;
  if (kind === MPOL_DEFAULT || kind === MPOL_LOCAL) return nodes !== 0 || flags !== 0 ? -EINVAL : 0;
  const needsNodes = kind === MPOL_BIND || kind === MPOL_INTERLEAVE || kind >= MPOL_PREFERRED_MANY;
  if (nodes === 0 && (needsNodes || (flags & BOTH) !== 0)) return -EINVAL;
  return 0;
}

function setMempolicy(task: Task, args: SyscallArgs): number {
  const mode = args.int(0);
  if (!isMode(mode)) return -EINVAL;
  const nodes = readNodes(task, args.addr(1), args.addr(2));
  return nodes < 0 ? nodes : checkPolicy(mode, nodes);
}

function mbind(task: Task, args: SyscallArgs): number {
  const start = args.addr(0);
  const flags = args.int(5);
  const nodes = readNodes(task, args.addr(3), args.addr(4));
  if (nodes < 0) return nodes;
  if ((flags & ~MPOL_MF_VALID) !== 0) return -EINVAL;
  if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !task.credentials.hasCapability(CAP_SYS_NICE)) return -EPERM;
  if (start % PAGE_SIZE !== 0) return -EINVAL;
  const checked = checkPolicy(args.int(2), nodes);
  if (checked < 0) return checked;
  const end = start + Math.ceil(args.addr(1) / PAGE_SIZE) * PAGE_SIZE;
  return isMapped(task, start, end) ? 0 : -EFAULT;
}

/** Are there areas for all of [start, end)? */
function isMapped(task: Task, start: number, end: number): boolean {
  const areas = task.memory.areas;
  let at = start;
  for (let i = areas.find(start); at < end; i++) {
    if (i >= areas.count || areas.start[i]! > at) return false;
    at = areas.end[i]!;
  }
  return true;
}

function getMempolicy(task: Task, args: SyscallArgs): number {
  const flags = args.addr(4);
  const known = MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED;
  if (flags > known) return -EINVAL;
  if (args.addr(1) !== 0 && args.addr(2) < 1) return -EINVAL;
  if ((flags & MPOL_F_MEMS_ALLOWED) !== 0) {
    if ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) !== 0) return -EINVAL;
    return reportPolicy(task, args, NODE_0);
  }
  if ((flags & MPOL_F_ADDR) !== 0) {
    if (task.memory.areas.at(args.addr(3)) < 0) return -EFAULT;
  } else if (args.addr(3) !== 0 || (flags & MPOL_F_NODE) !== 0) return -EINVAL;
  return reportPolicy(task, args, 0);
}

/** Policy (default, or node 0: both are 0) and node mask to the program. */
function reportPolicy(task: Task, args: SyscallArgs, nodes: number): number {
  const { memory } = task;
  if (args.addr(0) !== 0 && memory.writeU32(args.addr(0), 0) < 0) return -EFAULT;
  const mask = args.addr(1);
  if (mask === 0) return 0;
  const bytes = Math.ceil(Math.min(args.addr(2), MASK_LIMIT) / 64) * 8;
  if (memory.zeroOut(mask, bytes) < bytes) return -EFAULT;
  return nodes === 0 ? 0 : memory.writeU8(mask, nodes);
}

function setHomeNode(_task: Task, args: SyscallArgs): number {
  if (args.addr(0) % PAGE_SIZE !== 0 || args.addr(3) !== 0 || args.addr(2) > 0) return -EINVAL;
  return 0;
}

function migratePages(task: Task, args: SyscallArgs): number {
  const from = readNodes(task, args.addr(2), args.addr(1));
  if (from === -EFAULT) return from;
  const to = readNodes(task, args.addr(3), args.addr(1));
  if (to < 0) return to;
  const other = processOf(task, args.int(0));
  if (other === null) return -ESRCH;
  if (!mayTrace(task, other)) return -EPERM;
  return to === 0 ? -EINVAL : 0;
}

function processOf(task: Task, pid: number): Task | null {
  return pid === 0 ? task : task.kernel.findTask(pid);
}

const MAX_PAGES = 2 ** 31;

function movePages(task: Task, args: SyscallArgs): number {
  const flags = args.int(5);
  if ((flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return -EINVAL;
  if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !task.credentials.hasCapability(CAP_SYS_NICE)) return -EPERM;
  const other = processOf(task, args.int(0));
  if (other === null) return -ESRCH;
  if (!mayTrace(task, other)) return -EPERM;
  const count = args.addr(1);
  if (count >= MAX_PAGES) return -E2BIG;
  for (let k = 0; k < count; k++) {
    const result = moveOne(task, other, args, k);
    if (result < 0) return result;
  }
  return 0;
}

/** Page `k` is on node 0 if it is anywhere: its status says so. */
function moveOne(task: Task, other: Task, args: SyscallArgs, k: number): number {
  const { memory } = task;
  const page = memory.readU64(args.addr(2) + k * 8);
  if (page < 0) return -EFAULT;
  if (args.addr(3) !== 0) {
    const node = memory.readU32(args.addr(3) + k * 4);
    if (node < 0) return -EFAULT;
    if (node !== 0) return node === 0xffffffff ? -ENODEV : node < 64 ? -EACCES : -ENODEV;
  }
  const area = other.memory.areas.at(page);
  const status = area < 0 ? -EFAULT : other.memory.isResident(page) ? 0 : -ENOENT;
  return memory.writeU32(args.addr(4) + k * 4, status >>> 0);
}

const ONE_NODE = 'one node; a policy is checked, not kept';

export const MEMORY_POLICY_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_mbind, name: 'mbind', handler: mbind, coverage: 'partial', note: ONE_NODE, format: 'pzdpux' },
  {
    nr: SYS_set_mempolicy,
    name: 'set_mempolicy',
    handler: setMempolicy,
    coverage: 'partial',
    note: ONE_NODE,
    format: 'dpu',
  },
  {
    nr: SYS_get_mempolicy,
    name: 'get_mempolicy',
    handler: getMempolicy,
    coverage: 'partial',
    note: ONE_NODE,
    format: 'ppupx',
  },
  {
    nr: SYS_set_mempolicy_home_node,
    name: 'set_mempolicy_home_node',
    handler: setHomeNode,
    coverage: 'partial',
    note: ONE_NODE,
    format: 'pzux',
  },
  {
    nr: SYS_migrate_pages,
    name: 'migrate_pages',
    handler: migratePages,
    coverage: 'full',
    note: 'one node',
    format: 'dupp',
  },
  {
    nr: SYS_move_pages,
    name: 'move_pages',
    handler: movePages,
    coverage: 'full',
    note: 'one node',
    format: 'dupppx',
  },
];
