// PR_SET_MM of prctl(2): where /proc says that a program's parts lie, where its heap is, its auxiliary vector, and which file it runs. As in Linux,
// all values together (PR_SET_MM_MAP) need no right, and one alone needs CAP_SYS_RESOURCE; both have to pass the same checks.
import {
  CAP_CHECKPOINT_RESTORE,
  CAP_SYS_ADMIN,
  CAP_SYS_RESOURCE,
  EBADF,
  EFAULT,
  EINVAL,
  EPERM,
  MMAP_MIN_ADDR,
  PR_SET_MM_ARG_START,
  PR_SET_MM_AUXV,
  PR_SET_MM_EXE_FILE,
  PR_SET_MM_MAP,
  PR_SET_MM_MAP_SIZE,
  PR_SET_MM_START_CODE,
  PRCTL_MM_MAP_AUXV,
  PRCTL_MM_MAP_AUXV_SIZE,
  PRCTL_MM_MAP_EXE_FD,
  PRCTL_MM_MAP_SIZE,
  RLIMIT_DATA,
  TASK_SIZE,
} from '@sandbox-kernel/abi';
import { SAVED_AUXV_BYTES, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import { emptyAreaInfo } from '@sandbox-kernel/mm';

const NO_FILE = 0xffffffff;

/** The fields of struct prctl_mm_map, in its order. */
const START_CODE = 0;
const END_CODE = 1;
const START_DATA = 2;
const END_DATA = 3;
const START_BRK = 4;
const BRK = 5;
const START_STACK = 6;
const ARG_START = 7;
const ARG_END = 8;
const ENV_START = 9;
const ENV_END = 10;
const FIELDS = 11;
/** Field by sub-option, from PR_SET_MM_START_CODE on. */
const FIELD_OF: readonly number[] = [
  START_CODE,
  END_CODE,
  START_DATA,
  END_DATA,
  START_STACK,
  START_BRK,
  BRK,
  ARG_START,
  ARG_END,
  ENV_START,
  ENV_END,
];

export function setMemory(task: Task, args: SyscallArgs): number {
  const what = args.int(1);
  const sized = what === PR_SET_MM_AUXV || what === PR_SET_MM_MAP || what === PR_SET_MM_MAP_SIZE;
  if (args.addr(4) !== 0 || (args.addr(3) !== 0 && !sized)) return -EINVAL;
  if (what === PR_SET_MM_MAP_SIZE) return task.memory.writeU32(args.addr(2), PRCTL_MM_MAP_SIZE);
  if (what === PR_SET_MM_MAP) return setMap(task, args.addr(2), args.addr(3));
  if (!task.credentials.hasCapability(CAP_SYS_RESOURCE)) return -EPERM;
  if (what === PR_SET_MM_EXE_FILE) return setExecutable(task, args.int(2));
  if (what === PR_SET_MM_AUXV) {
    const vector = readVector(task, args.addr(2), args.addr(3));
    if (typeof vector === 'number') return vector;
    task.image.saveVector(vector, true);
    return 0;
  }
  return setField(task, what, args.addr(2));
}

function setField(task: Task, what: number, addr: number): number {
  const field = FIELD_OF[what - PR_SET_MM_START_CODE];
  if (addr >= TASK_SIZE || addr < MMAP_MIN_ADDR || field === undefined) return -EINVAL;
  const values = present(task);
  values[field] = addr;
  const valid = check(task, values);
  if (valid !== 0) return valid;
  if ((field === START_STACK || what >= PR_SET_MM_ARG_START) && !isBelowSomething(task, addr)) return -EFAULT;
  store(task, values);
  return 0;
}

function setMap(task: Task, addr: number, size: number): number {
  if (size !== PRCTL_MM_MAP_SIZE) return -EINVAL;
  const bytes = new Uint8Array(PRCTL_MM_MAP_SIZE);
  if (task.memory.copyIn(addr, bytes, 0, size) < size) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const values: number[] = [];
  for (let i = 0; i < FIELDS; i++) values.push(word(view, i * 8));
  const valid = check(task, values);
  if (valid !== 0) return valid;
  const vectorSize = view.getUint32(PRCTL_MM_MAP_AUXV_SIZE, true);
  const vectorAddr = word(view, PRCTL_MM_MAP_AUXV);
  if (vectorSize !== 0 && vectorAddr === 0) return -EINVAL;
  const vector = vectorSize === 0 ? null : readVector(task, vectorAddr, vectorSize);
  if (typeof vector === 'number') return vector;
  const fd = view.getUint32(PRCTL_MM_MAP_EXE_FD, true);
  if (fd !== NO_FILE) {
    const { credentials } = task;
    if (!credentials.hasCapability(CAP_CHECKPOINT_RESTORE) && !credentials.hasCapability(CAP_SYS_ADMIN))
      return -EPERM;
    const changed = setExecutable(task, fd | 0);
    if (changed !== 0) return changed;
  }
  store(task, values);
  if (vector !== null) task.image.saveVector(vector, false);
  return 0;
}

function word(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function readVector(task: Task, addr: number, size: number): Uint8Array | number {
  if (size > SAVED_AUXV_BYTES) return -EINVAL;
  const bytes = new Uint8Array(size);
  return task.memory.copyIn(addr, bytes, 0, size) < size ? -EFAULT : bytes;
}

function setExecutable(task: Task, fd: number): number {
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  const { programs } = task.kernel;
  const adopted = programs.adopt(task, file);
  if (typeof adopted === 'number') return adopted;
  const old = task.image.executable;
  task.image.executable = adopted;
  if (old !== null) programs.close(old);
  return 0;
}

function present(task: Task): number[] {
  const m = task.memory;
  return [
    m.startCode,
    m.endCode,
    m.startData,
    m.endData,
    m.startBrk,
    m.currentBrk,
    m.startStack,
    m.argStart,
    m.argEnd,
    m.envStart,
    m.envEnd,
  ];
}

function store(task: Task, values: readonly number[]): void {
  const m = task.memory;
  m.startCode = values[START_CODE]!;
  m.endCode = values[END_CODE]!;
  m.startData = values[START_DATA]!;
  m.endData = values[END_DATA]!;
  m.startBrk = values[START_BRK]!;
  m.currentBrk = values[BRK]!;
  m.startStack = values[START_STACK]!;
  m.argStart = values[ARG_START]!;
  m.argEnd = values[ARG_END]!;
  m.envStart = values[ENV_START]!;
  m.envEnd = values[ENV_END]!;
}

/** 0, or -EINVAL: outside the program's addresses, ends before starts, or more data than RLIMIT_DATA. */
function check(task: Task, values: readonly number[]): number {
  for (let i = 0; i < FIELDS; i++) if (values[i]! >= TASK_SIZE || values[i]! < MMAP_MIN_ADDR) return -EINVAL;
  if (values[START_CODE]! >= values[END_CODE]!) return -EINVAL;
  for (const start of [START_DATA, START_BRK, ARG_START, ENV_START])
    if (values[start]! > values[start + 1]!) return -EINVAL;
  const data = values[BRK]! - values[START_BRK]! + values[END_DATA]! - values[START_DATA]!;
  return data > task.group.limits.soft[RLIMIT_DATA]! ? -EINVAL : 0;
}

function isBelowSomething(task: Task, addr: number): boolean {
  const { memory } = task;
  if (memory.areaCount === 0) return false;
  const area = emptyAreaInfo();
  memory.area(memory.areaCount - 1, area);
  return area.end > addr;
}
