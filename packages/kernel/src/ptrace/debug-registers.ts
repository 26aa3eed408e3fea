// The debug registers of a traced thread (ptrace(2), PTRACE_POKEUSER at u_debugreg; Intel SDM vol. 3, "Debug, Branch Profile, TSC"): what gdb sets
// for hardware breakpoints and watchpoints. The processor's own belong to the host, which lends them to nobody here, so a thread with one enabled is
// run step by step, and each step is looked at. Departures: a store is seen by what it changes, and watching for loads is refused (ENOSPC, as
// if all registers were taken).
import { EINVAL, EIO, ENOSPC, TASK_SIZE } from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import { getRegister } from '../registers.js';
import type { Task } from '../task.js';

const COUNT = 4;
const STATUS = 6;
const CONTROL = 7;
/** DR6: bits that are always set, and the one of a single step. */
const STATUS_FIXED = 0xffff0ff0;
const STATUS_STEP = 0x4000;
const LONGEST = 8;
/** By the two bits of a length. */
const LENGTHS: readonly number[] = [1, 2, 8, 4];

const KIND_EXECUTE = 0;
const KIND_STORE = 1;
const KIND_IO = 2;

export class DebugRegisters {
  private readonly addresses: number[];
  /** DR7 and DR6, as written. */
  private controlLow: number;
  private controlHigh: number;
  private statusLow: number;
  private statusHigh: number;
  /** What lies at each address, as far as it is watched. */
  private readonly seen: Uint8Array;
  private readonly now: Uint8Array;
  /** The instruction that comes next has been reported: it runs (RF of EFLAGS). */
  private reported: boolean;

  constructor() {
    this.addresses = [0, 0, 0, 0];
    this.controlLow = 0;
    this.controlHigh = 0;
    this.statusLow = STATUS_FIXED;
    this.statusHigh = 0;
    this.seen = new Uint8Array(COUNT * LONGEST);
    this.now = new Uint8Array(LONGEST);
    this.reported = false;
  }

  /** Is any breakpoint or watchpoint on? */
  get active(): boolean {
    return (this.controlLow & 0xff) !== 0;
  }

  readLow(index: number): number {
    if (index < COUNT) return this.addresses[index]! % 2 ** 32;
    if (index === STATUS) return this.statusLow;
    return index === CONTROL ? this.controlLow : 0;
  }

  readHigh(index: number): number {
    if (index < COUNT) return Math.floor(this.addresses[index]! / 2 ** 32);
    if (index === STATUS) return this.statusHigh;
    return index === CONTROL ? this.controlHigh : 0;
  }

  /** 0, or -EIO, -EINVAL, -ENOSPC; then nothing has changed. */
  write(task: Task, index: number, low: number, high: number): number {
    if (index < COUNT) return this.writeAddress(task, index, (high >>> 0) * 2 ** 32 + (low >>> 0));
    if (index === CONTROL) return this.writeControl(task, low >>> 0, high >>> 0);
    if (index !== STATUS) return -EIO;
    this.statusLow = low >>> 0;
    this.statusHigh = high >>> 0;
    return 0;
  }

  private writeAddress(task: Task, index: number, address: number): number {
    if (address >= TASK_SIZE) return -EINVAL;
    if (this.isOn(index) && !isAligned(address, this.lengthOf(index))) return -EINVAL;
    this.addresses[index] = address;
    this.look(task, index);
    return 0;
  }

  private writeControl(task: Task, low: number, high: number): number {
    const before = this.controlLow;
    this.controlLow = low;
    for (let i = 0; i < COUNT; i++) {
      const refused = this.check(i);
      if (refused === 0) continue;
      this.controlLow = before;
      return refused;
    }
    this.controlHigh = high;
    this.lookAll(task);
    return 0;
  }

  private check(index: number): number {
    const kind = this.kindOf(index);
    if (kind === KIND_IO) return -EINVAL;
    if (kind === KIND_EXECUTE) return this.lengthOf(index) === 1 ? 0 : -EINVAL;
    if (!this.isOn(index)) return 0;
    if (kind !== KIND_STORE) return -ENOSPC;
    return isAligned(this.addresses[index]!, this.lengthOf(index)) ? 0 : -EINVAL;
  }

  private isOn(index: number): boolean {
    return ((this.controlLow >>> (index * 2)) & 3) !== 0;
  }

  private kindOf(index: number): number {
    return (this.controlLow >>> (16 + index * 4)) & 3;
  }

  private lengthOf(index: number): number {
    return LENGTHS[(this.controlLow >>> (18 + index * 4)) & 3]!;
  }

  /** What others than the thread itself have stored since (a system call) is not its doing. */
  lookAll(task: Task): void {
    for (let i = 0; i < COUNT; i++) this.look(task, i);
  }

  private look(task: Task, index: number): void {
    if (this.isOn(index) && this.kindOf(index) === KIND_STORE)
      task.memory.readForced(this.addresses[index]!, this.seen, index * LONGEST, this.lengthOf(index));
  }

  /**
   * After an instruction. `steps`: the tracer wants to see it anyhow. True: a debug exception, told in DR6. A breakpoint on the next instruction
   * is one at once, unless the tracer gets to see the step: then it comes when the thread goes on.
   */
  stepped(task: Task, steps: boolean): boolean {
    this.reported = false;
    let hits = this.stores(task);
    if (!steps && hits === 0) {
      hits = this.breakpoints(task);
      this.reported = hits !== 0;
    }
    if (hits === 0 && !steps) return false;
    this.tell(hits | (steps ? STATUS_STEP : 0));
    return true;
  }

  /** Before the thread goes on without having made a step. True: a breakpoint, told in DR6. */
  meets(task: Task): boolean {
    const hits = this.reported ? 0 : this.breakpoints(task);
    if (hits === 0) return false;
    this.reported = true;
    this.tell(hits);
    return true;
  }

  private tell(bits: number): void {
    this.statusLow = (STATUS_FIXED | bits) >>> 0;
    this.statusHigh = 0;
  }

  private stores(task: Task): number {
    let hits = 0;
    for (let i = 0; i < COUNT; i++)
      if (this.isOn(i) && this.kindOf(i) === KIND_STORE && this.changed(task, i)) hits |= 1 << i;
    return hits;
  }

  private changed(task: Task, index: number): boolean {
    const length = this.lengthOf(index);
    if (task.memory.readForced(this.addresses[index]!, this.now, 0, length) !== length) return false;
    let differs = false;
    for (let k = 0; k < length; k++) {
      differs ||= this.seen[index * LONGEST + k] !== this.now[k];
      this.seen[index * LONGEST + k] = this.now[k]!;
    }
    return differs;
  }

  private breakpoints(task: Task): number {
    const rip = getRegister(task.frame, FRAME_RIP);
    let hits = 0;
    for (let i = 0; i < COUNT; i++)
      if (this.isOn(i) && this.kindOf(i) === KIND_EXECUTE && this.addresses[i] === rip) hits |= 1 << i;
    return hits;
  }
}

function isAligned(address: number, length: number): boolean {
  return address % length === 0;
}
