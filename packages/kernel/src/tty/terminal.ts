// A pseudoterminal pair (pty(7), tty(4)): the state that both ends share, job control of the slave, and who is in the foreground.
import {
  EIO,
  ENOTTY,
  EPERM,
  ERESTARTSYS,
  ICANON,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDNORM,
  POLLWRNORM,
  SIG_IGN,
  SIGCONT,
  SIGHUP,
  SIGTTIN,
  SIGTTOU,
  SIGWINCH,
  TOSTOP,
  VMIN,
  VTIME,
} from '@sandbox-kernel/abi';
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { type ControllingTerminal, isOrphaned, type ProcessGroup, type Session } from '../process-group.js';
import { signalProcessGroup } from '../signal/kill.js';
import { kernelSignal } from '../signal/signal-info.js';
import type { Task } from '../task.js';
import { TimerNode, type TimerOwner } from '../timer-heap.js';
import { ByteQueue } from './byte-queue.js';
import { LineDiscipline, type LineOwner } from './line-discipline.js';
import { OutputProcessing } from './output-processing.js';
import { Termios, TermiosLock } from './termios.js';

const OUTPUT_LIMIT = 65536;
const DECISECOND = 100_000_000;

export class Terminal implements ControllingTerminal, LineOwner, TimerOwner {
  readonly kernel: Kernel;
  /** Number under /dev/pts. */
  readonly index: number;
  readonly termios: Termios;
  /** TIOCSLCKTRMIOS. */
  readonly lock: TermiosLock;
  readonly line: LineDiscipline;
  readonly processing: OutputProcessing;
  /** What the slave wrote, for the master. */
  readonly output: ByteQueue;
  readonly masterQueue: WaitQueue;
  readonly slaveQueue: WaitQueue;
  session: Session | null;
  foreground: ProcessGroup | null;
  rows: number;
  columns: number;
  xPixels: number;
  yPixels: number;
  /** Output held by STOP or TCOOFF. */
  stopped: boolean;
  /** TIOCSPTLCK. */
  locked: boolean;
  exclusive: boolean;
  /** TIOCPKT, and the status byte that the master has yet to read. */
  packetMode: boolean;
  packetStatus: number;
  masterOpen: boolean;
  slaveOpens: number;
  /** The slave was opened at least once: the master reads EIO after the last close. */
  slaveSeen: boolean;
  /** Hung up: the slave's descriptors are dead. */
  hungUp: boolean;
  /** A VTIME ran out with this read waiting. */
  private timedOut: boolean;
  private readonly readTimer: TimerNode;

  constructor(kernel: Kernel, index: number) {
    this.kernel = kernel;
    this.index = index;
    this.termios = new Termios();
    this.lock = new TermiosLock();
    this.output = new ByteQueue(OUTPUT_LIMIT);
    this.processing = new OutputProcessing(this.termios, this.output);
    this.line = new LineDiscipline(this.termios, this.processing, this);
    this.masterQueue = new WaitQueue();
    this.slaveQueue = new WaitQueue();
    this.session = null;
    this.foreground = null;
    this.rows = 0;
    this.columns = 0;
    this.xPixels = 0;
    this.yPixels = 0;
    this.stopped = false;
    this.locked = true;
    this.exclusive = false;
    this.packetMode = false;
    this.packetStatus = 0;
    this.masterOpen = true;
    this.slaveOpens = 0;
    this.slaveSeen = false;
    this.hungUp = false;
    this.timedOut = false;
    this.readTimer = new TimerNode(this);
  }

  // ── what both ends do ──

  /** Bytes typed at the master; how many were taken. */
  type(bytes: Uint8Array, length: number): number {
    let done = 0;
    while (done < length && this.line.room > 0) this.line.receive(bytes[done++]!);
    if (done > 0) this.inputArrived();
    return done;
  }

  private inputArrived(): void {
    if (!this.slaveQueue.empty) this.slaveQueue.wake(POLLIN | POLLRDNORM);
    this.wakeMaster();
  }

  private wakeMaster(): void {
    if (!this.masterQueue.empty) this.masterQueue.wake(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI);
  }

  /** Bytes that the program writes; how many were taken. */
  print(bytes: Uint8Array, length: number): number {
    if (this.stopped) return 0;
    let done = 0;
    while (done < length && this.processing.put(bytes[done]!)) done++;
    if (done > 0) this.wakeMaster();
    return done;
  }

  /** Output for the master; wakes writers that waited for room. */
  drain(into: Uint8Array, at: number, length: number): number {
    let done = 0;
    for (
      let byte = length > 0 ? this.output.shift() : -1;
      byte >= 0;
      byte = done < length ? this.output.shift() : -1
    ) {
      into[at + done++] = byte;
    }
    if (done > 0 && !this.slaveQueue.empty) this.slaveQueue.wake(POLLOUT | POLLWRNORM);
    return done;
  }

  // ── reading at the slave: VMIN and VTIME ──

  /** Bytes, 0 at the end, -EAGAIN: wait for POLLIN. `nonblock`: what is there is enough, whatever VMIN says. */
  readLine(into: Uint8Array, length: number, nonblock: boolean): number {
    if (this.hungUp) return 0;
    if (this.termios.local(ICANON)) return this.line.hasInput(1) ? this.finishRead(into, length) : -11;
    const minimum = this.termios.cc[VMIN]!;
    const time = this.termios.cc[VTIME]!;
    const enough = Math.min(minimum, length);
    const some = this.line.ready.size > 0;
    if (nonblock && some) return this.finishRead(into, length);
    if (this.line.hasInput(enough) || (minimum === 0 && time === 0)) return this.finishRead(into, length);
    if (this.timedOut && (some || minimum === 0)) return this.finishRead(into, length);
    // VTIME counts from the call without VMIN, and from the last byte with it.
    if (time > 0 && (minimum === 0 || some) && !this.readTimer.armed) {
      this.kernel.timers.arm(this.readTimer, this.kernel.clock.monotonic() + time * DECISECOND);
    }
    return -11;
  }

  private finishRead(into: Uint8Array, length: number): number {
    this.timedOut = false;
    this.kernel.timers.cancel(this.readTimer);
    const count = this.line.read(into, length);
    // The master may have waited for room.
    if (count > 0) this.wakeMaster();
    return count;
  }

  timerExpired(): void {
    this.timedOut = true;
    if (!this.slaveQueue.empty) this.slaveQueue.wake(POLLIN | POLLRDNORM);
  }

  // ── readiness ──

  slaveEvents(): number {
    if (this.hungUp) return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    let events = 0;
    const minimum = this.termios.cc[VTIME] === 0 ? this.termios.cc[VMIN]! : 1;
    if (this.line.hasInput(minimum) || (this.timedOut && this.line.ready.size > 0))
      events |= POLLIN | POLLRDNORM;
    if (this.timedOut && this.termios.cc[VMIN] === 0) events |= POLLIN | POLLRDNORM;
    if (!this.stopped && this.output.room >= 256) events |= POLLOUT | POLLWRNORM;
    return events;
  }

  masterEvents(): number {
    let events = this.line.room > 0 ? POLLOUT | POLLWRNORM : 0;
    if (this.output.size > 0) events |= POLLIN | POLLRDNORM;
    if (this.packetMode && this.packetStatus !== 0) events |= POLLIN | POLLRDNORM | POLLPRI;
    if (this.slaveSeen && this.slaveOpens === 0) events |= POLLHUP;
    return events;
  }

  // ── the line discipline's wishes ──

  signalForeground(signal: number): void {
    if (this.foreground !== null) signalProcessGroup(this.foreground.members, kernelSignal(signal));
  }

  setStopped(stopped: boolean): void {
    if (this.stopped === stopped) return;
    this.stopped = stopped;
    if (this.packetMode) this.tellMaster(stopped ? 4 : 8, stopped ? 8 : 4);
    if (!stopped && !this.slaveQueue.empty) this.slaveQueue.wake(POLLOUT | POLLWRNORM);
  }

  flushOutput(): void {
    this.output.clear();
    if (this.packetMode) this.tellMaster(2, 0);
  }

  flushInput(): void {
    this.line.flushInput();
    if (this.packetMode) this.tellMaster(1, 0);
  }

  /** Sets bits of the packet mode status and takes others back. */
  tellMaster(set: number, clear: number): void {
    this.packetStatus = (this.packetStatus & ~clear) | set;
    this.wakeMaster();
  }

  // ── sessions and job control ──

  /** Makes it the controlling terminal of `task`'s session. 0 or -EPERM. `steal`: TIOCSCTTY with 1, for CAP_SYS_ADMIN. */
  acquire(task: Task, steal: boolean): number {
    const session = task.group.processGroup.session;
    if (session.leader === task.group && this.session === session) return 0;
    if (session.leader !== task.group || session.terminal !== null) return -EPERM;
    if (this.session !== null) {
      if (!steal) return -EPERM;
      this.session.terminal = null;
    }
    this.session = session;
    this.foreground = task.group.processGroup;
    session.terminal = this;
    return 0;
  }

  /** TIOCNOTTY: the leader gives it up for all; others just lose it (here: the session has one terminal for all its members). */
  abandon(task: Task): number {
    const session = task.group.processGroup.session;
    if (this.session !== session) return -ENOTTY;
    if (session.leader === task.group) this.sessionEnded(session);
    return 0;
  }

  sessionEnded(session: Session): void {
    if (this.session !== session) return;
    const group = this.foreground;
    this.session = null;
    this.foreground = null;
    session.terminal = null;
    if (group === null) return;
    signalProcessGroup(group.members, kernelSignal(SIGHUP));
    signalProcessGroup(group.members, kernelSignal(SIGCONT));
  }

  /** The master is gone: SIGHUP to the session's leader, and dead descriptors for everybody. */
  hangUp(): void {
    this.hungUp = true;
    const session = this.session;
    if (session !== null) {
      if (session.leader !== null) {
        signalProcessGroup([session.leader], kernelSignal(SIGHUP));
        signalProcessGroup([session.leader], kernelSignal(SIGCONT));
      }
      this.sessionEnded(session);
    }
    if (!this.slaveQueue.empty) this.slaveQueue.wake(-1);
  }

  /** 0 when `task` may read; else what read(2) returns. */
  checkRead(task: Task): number {
    return this.checkBackground(task, SIGTTIN, -EIO);
  }

  /** 0 when `task` may write (TOSTOP) or change settings (`always`). */
  checkWrite(task: Task, always: boolean): number {
    return always || this.termios.local(TOSTOP) ? this.checkBackground(task, SIGTTOU, 0) : 0;
  }

  /** `ignored`: the result when the signal is ignored or blocked. */
  private checkBackground(task: Task, signal: number, ignored: number): number {
    const group = task.group.processGroup;
    if (
      this.session === null ||
      group.session !== this.session ||
      this.foreground === group ||
      this.foreground === null
    )
      return 0;
    const action = task.group.handlers.get(signal);
    if (task.blocked.has(signal) || action.handler === SIG_IGN) return ignored;
    if (isOrphaned(group, null)) return -EIO;
    signalProcessGroup(group.members, kernelSignal(signal));
    return -ERESTARTSYS;
  }

  resize(rows: number, columns: number, xPixels: number, yPixels: number): void {
    const same =
      rows === this.rows && columns === this.columns && xPixels === this.xPixels && yPixels === this.yPixels;
    this.rows = rows;
    this.columns = columns;
    this.xPixels = xPixels;
    this.yPixels = yPixels;
    if (!same) this.signalForeground(SIGWINCH);
  }
}
