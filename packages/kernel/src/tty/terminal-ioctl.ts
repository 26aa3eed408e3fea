// ioctl_tty(2): requests that both ends of a pseudoterminal understand. TIOCSTI is refused, as where dev.tty.legacy_tiocsti is 0 (what it
// types would be another's input), and so is TIOCCONS: there is no console to be redirected.
import {
  CAP_CHECKPOINT_RESTORE,
  CAP_SYS_ADMIN,
  CAP_SYS_TTY_CONFIG,
  CLOCAL,
  EBUSY,
  EFAULT,
  EINVAL,
  EIO,
  ENOTTY,
  EPERM,
  ESRCH,
  FIONREAD,
  ICANON,
  makeDevice,
  TCFLSH,
  TCGETA,
  TCGETS,
  TCSBRK,
  TCSBRKP,
  TCSETA,
  TCSETAF,
  TCSETAW,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TCXONC,
  TERMIO_SIZE,
  TERMIOS_SIZE,
  TERMIOS2_SIZE,
  TIOCCBRK,
  TIOCCONS,
  TIOCEXCL,
  TIOCGDEV,
  TIOCGETD,
  TIOCGEXCL,
  TIOCGLCKTRMIOS,
  TIOCGPGRP,
  TIOCGPTPEER,
  TIOCGSID,
  TIOCGSOFTCAR,
  TIOCGWINSZ,
  TIOCNOTTY,
  TIOCNXCL,
  TIOCOUTQ,
  TIOCSBRK,
  TIOCSCTTY,
  TIOCSETD,
  TIOCSLCKTRMIOS,
  TIOCSPGRP,
  TIOCSSOFTCAR,
  TIOCSTI,
  TIOCSWINSZ,
  TIOCVHANGUP,
} from '@sandbox-kernel/abi';
import type { Task } from '../task.js';
import type { Terminal } from './terminal.js';
import { decodeTermio, encodeTermio } from './termio.js';

const WINSIZE_BYTES = 8;
/** Of slaves. */
const PTS_MAJOR = 136;
// _IOR and _IOW of 'T' with struct termios2.
const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TCSETSW2 = 0x402c542c;
const TCSETSF2 = 0x402c542d;

/** Result, or -ENOTTY when the request is not one of these. `master`: asked through that end. */
export function terminalIoctl(
  task: Task,
  terminal: Terminal,
  request: number,
  addr: number,
  master: boolean,
): number {
  switch (request) {
    case TCGETS:
      return writeTermios(task, terminal, addr, TERMIOS_SIZE);
    case TCGETS2:
      return writeTermios(task, terminal, addr, TERMIOS2_SIZE);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return setTermios(task, terminal, addr, TERMIOS_SIZE, request === TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return setTermios(task, terminal, addr, TERMIOS2_SIZE, request === TCSETSF2);
    case TCGETA:
      return task.memory.copyOut(addr, encodeTermio(terminal.termios), 0, TERMIO_SIZE) === TERMIO_SIZE
        ? 0
        : -EFAULT;
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
      return setTermio(task, terminal, addr, request === TCSETAF);
    case TIOCGWINSZ:
      return writeSize(task, terminal, addr);
    case TIOCSWINSZ:
      return setSize(task, terminal, addr);
    case TCXONC:
      return flow(task, terminal, addr);
    case TCFLSH:
      return flush(task, terminal, addr);
    case TCSBRK:
    case TCSBRKP:
      return terminal.checkWrite(task, true);
    case TIOCSBRK:
    case TIOCCBRK:
      return 0;
    case TIOCGSOFTCAR:
      return task.memory.writeU32(addr, (terminal.termios.cflag & CLOCAL) !== 0 ? 1 : 0);
    case TIOCSSOFTCAR:
      return setSoftCarrier(task, terminal, addr);
    case TIOCGLCKTRMIOS:
      return task.memory.copyOut(addr, terminal.lock.bytes, 0, TERMIOS_SIZE) === TERMIOS_SIZE ? 0 : -EFAULT;
    case TIOCSLCKTRMIOS:
      return lockTermios(task, terminal, addr);
    default:
      return control(task, terminal, request, addr, master);
  }
}

function control(task: Task, terminal: Terminal, request: number, addr: number, master: boolean): number {
  switch (request) {
    case TIOCSCTTY:
      return terminal.acquire(task, addr === 1 && task.credentials.hasCapability(CAP_SYS_ADMIN));
    case TIOCNOTTY:
      return terminal.abandon(task);
    case TIOCGPGRP:
      return foregroundGroup(task, terminal, addr, master);
    case TIOCSPGRP:
      return setForeground(task, terminal, addr, master);
    case TIOCGSID:
      if (!master && task.group.processGroup.session.terminal !== terminal) return -ENOTTY;
      return terminal.session === null ? -ENOTTY : task.memory.writeU32(addr, terminal.session.sid);
    case TIOCEXCL:
      terminal.exclusive = true;
      return 0;
    case TIOCNXCL:
      terminal.exclusive = false;
      return 0;
    case TIOCGEXCL >>> 0:
      return task.memory.writeU32(addr, terminal.exclusive ? 1 : 0);
    case TIOCGETD:
      return task.memory.writeU32(addr, 0);
    case TIOCSETD:
      return setDiscipline(task, addr);
    case TIOCGDEV >>> 0:
      return task.memory.writeU32(addr, makeDevice(PTS_MAJOR, terminal.index));
    case TIOCGPTPEER:
      return -EIO;
    case TIOCOUTQ:
      return task.memory.writeU32(addr, master ? 0 : terminal.output.size);
    case FIONREAD:
      return task.memory.writeU32(addr, master ? terminal.output.size : terminal.line.available);
    case TIOCSTI:
      return -EIO;
    case TIOCCONS:
      if (master) return -EINVAL;
      return task.credentials.hasCapability(CAP_SYS_ADMIN) ? -EBUSY : -EPERM;
    case TIOCVHANGUP:
      if (!task.credentials.hasCapability(CAP_SYS_TTY_CONFIG)) return -EPERM;
      terminal.hangUp();
      return 0;
    default:
      return -ENOTTY;
  }
}

function writeTermios(task: Task, terminal: Terminal, addr: number, size: number): number {
  const bytes = new Uint8Array(size);
  terminal.termios.encode(bytes);
  return task.memory.copyOut(addr, bytes, 0, size) === size ? 0 : -EFAULT;
}

function setTermios(task: Task, terminal: Terminal, addr: number, size: number, flushes: boolean): number {
  const allowed = terminal.checkWrite(task, true);
  if (allowed !== 0) return allowed;
  const bytes = new Uint8Array(size);
  if (task.memory.copyIn(addr, bytes, 0, size) !== size) return -EFAULT;
  applyTermios(terminal, bytes, flushes);
  return 0;
}

function setTermio(task: Task, terminal: Terminal, addr: number, flushes: boolean): number {
  const allowed = terminal.checkWrite(task, true);
  if (allowed !== 0) return allowed;
  const bytes = new Uint8Array(TERMIO_SIZE);
  if (task.memory.copyIn(addr, bytes, 0, TERMIO_SIZE) !== TERMIO_SIZE) return -EFAULT;
  const whole = new Uint8Array(TERMIOS_SIZE);
  decodeTermio(bytes, terminal.termios).encode(whole);
  applyTermios(terminal, whole, flushes);
  return 0;
}

/** Pre: at least TERMIOS_SIZE bytes. */
function applyTermios(terminal: Terminal, bytes: Uint8Array, flushes: boolean): void {
  const canonical = terminal.termios.local(ICANON);
  if (flushes) terminal.flushInput();
  terminal.termios.decode(bytes, terminal.lock);
  if (terminal.termios.local(ICANON) !== canonical) terminal.line.modeChanged(!canonical);
  if (terminal.stopped && (terminal.termios.iflag & 0x400) === 0) terminal.setStopped(false);
  if (!terminal.slaveQueue.empty) terminal.slaveQueue.wake(-1);
}

function setSoftCarrier(task: Task, terminal: Terminal, addr: number): number {
  const value = task.memory.readU32(addr);
  if (value < 0) return -EFAULT;
  const { termios } = terminal;
  termios.cflag = value !== 0 ? termios.cflag | CLOCAL : termios.cflag & ~CLOCAL;
  return 0;
}

function lockTermios(task: Task, terminal: Terminal, addr: number): number {
  const { credentials } = task;
  if (!credentials.hasCapability(CAP_SYS_ADMIN) && !credentials.hasCapability(CAP_CHECKPOINT_RESTORE))
    return -EPERM;
  const bytes = new Uint8Array(TERMIOS_SIZE);
  if (task.memory.copyIn(addr, bytes, 0, TERMIOS_SIZE) !== TERMIOS_SIZE) return -EFAULT;
  terminal.lock.bytes.set(bytes);
  return 0;
}

/** There is the one of ttys (N_TTY, 0) only. */
function setDiscipline(task: Task, addr: number): number {
  const wanted = task.memory.readU32(addr);
  if (wanted < 0) return -EFAULT;
  return wanted === 0 ? 0 : -EINVAL;
}

function writeSize(task: Task, terminal: Terminal, addr: number): number {
  const bytes = new Uint8Array(WINSIZE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, terminal.rows, true);
  view.setUint16(2, terminal.columns, true);
  view.setUint16(4, terminal.xPixels, true);
  view.setUint16(6, terminal.yPixels, true);
  return task.memory.copyOut(addr, bytes, 0, WINSIZE_BYTES) === WINSIZE_BYTES ? 0 : -EFAULT;
}

function setSize(task: Task, terminal: Terminal, addr: number): number {
  const bytes = new Uint8Array(WINSIZE_BYTES);
  if (task.memory.copyIn(addr, bytes, 0, WINSIZE_BYTES) !== WINSIZE_BYTES) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const word = (at: number): number => view.getUint16(at, true);
  terminal.resize(word(0), word(2), word(4), word(6));
  return 0;
}

function flow(task: Task, terminal: Terminal, action: number): number {
  const allowed = terminal.checkWrite(task, true);
  if (allowed !== 0) return allowed;
  if (action === 0) terminal.setStopped(true);
  else if (action === 1) terminal.setStopped(false);
  else if (action !== 2 && action !== 3) return -EINVAL;
  return 0;
}

function flush(task: Task, terminal: Terminal, queue: number): number {
  const allowed = terminal.checkWrite(task, true);
  if (allowed !== 0) return allowed;
  if (queue !== 0 && queue !== 1 && queue !== 2) return -EINVAL;
  if (queue !== 1) terminal.flushInput();
  if (queue !== 0) terminal.flushOutput();
  return 0;
}

function foregroundGroup(task: Task, terminal: Terminal, addr: number, master: boolean): number {
  if (!master && task.group.processGroup.session.terminal !== terminal) return -ENOTTY;
  return task.memory.writeU32(addr, terminal.foreground === null ? 0 : terminal.foreground.pgid);
}

function setForeground(task: Task, terminal: Terminal, addr: number, master: boolean): number {
  const allowed = terminal.checkWrite(task, true);
  if (allowed === -EIO) return -ENOTTY;
  if (allowed !== 0) return allowed;
  const session = task.group.processGroup.session;
  const pgid = task.memory.readU32(addr);
  if (pgid < 0) return -EFAULT;
  if (session.terminal === null || (session.terminal !== terminal && !master) || terminal.session !== session)
    return -ENOTTY;
  if ((pgid | 0) < 0) return -EINVAL;
  const group = task.kernel.processes.groups.get(pgid);
  if (group === undefined) return -ESRCH;
  if (group.session !== session) return -EPERM;
  terminal.foreground = group;
  return 0;
}
