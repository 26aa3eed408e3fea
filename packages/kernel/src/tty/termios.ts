// struct termios as the kernel has it (ioctl_tty(2), termios(3)), with the defaults of a fresh pseudoterminal.
import {
  B38400,
  CREAD,
  CS8,
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ICANON,
  ICRNL,
  IEXTEN,
  ISIG,
  IXON,
  NCCS,
  ONLCR,
  OPOST,
  TERMIOS_C_CC,
  TERMIOS_C_CFLAG,
  TERMIOS_C_IFLAG,
  TERMIOS_C_LFLAG,
  TERMIOS_C_LINE,
  TERMIOS_C_OFLAG,
  TERMIOS_SIZE,
  TERMIOS2_C_ISPEED,
  TERMIOS2_C_OSPEED,
  TERMIOS2_SIZE,
} from '@sandbox-kernel/abi';
import { inputSpeed, outputSpeed } from './speed.js';

const DEFAULT_CC = [3, 0x1c, 0x7f, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0xf, 0x17, 0x16, 0, 0, 0];
const SPEED = 38_400;

export class Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  readonly cc: Uint8Array;
  /** Bits per second; they follow from `cflag` unless that says BOTHER. */
  inputSpeed: number;
  outputSpeed: number;

  constructor() {
    this.iflag = ICRNL | IXON;
    this.oflag = OPOST | ONLCR;
    this.cflag = B38400 | CS8 | CREAD;
    this.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    this.line = 0;
    this.cc = Uint8Array.from(DEFAULT_CC);
    this.inputSpeed = SPEED;
    this.outputSpeed = SPEED;
  }

  local(flag: number): boolean {
    return (this.lflag & flag) !== 0;
  }

  input(flag: number): boolean {
    return (this.iflag & flag) !== 0;
  }

  output(flag: number): boolean {
    return (this.oflag & flag) !== 0;
  }

  /** struct termios, or struct termios2 when there is room for it. */
  encode(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setUint32(TERMIOS_C_IFLAG, this.iflag, true);
    view.setUint32(TERMIOS_C_OFLAG, this.oflag, true);
    view.setUint32(TERMIOS_C_CFLAG, this.cflag, true);
    view.setUint32(TERMIOS_C_LFLAG, this.lflag, true);
    bytes[TERMIOS_C_LINE] = this.line;
    bytes.set(this.cc, TERMIOS_C_CC);
    if (bytes.length < TERMIOS2_SIZE) return;
    view.setUint32(TERMIOS2_C_ISPEED, this.inputSpeed, true);
    view.setUint32(TERMIOS2_C_OSPEED, this.outputSpeed, true);
  }

  /** What `locked` has bits or characters for stays as it is (TIOCSLCKTRMIOS). */
  decode(bytes: Uint8Array, locked: TermiosLock): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const old = { ...this, cc: this.cc.slice() };
    this.iflag = view.getUint32(TERMIOS_C_IFLAG, true);
    this.oflag = view.getUint32(TERMIOS_C_OFLAG, true);
    this.cflag = (view.getUint32(TERMIOS_C_CFLAG, true) & ~0x130) | CS8 | CREAD;
    this.lflag = view.getUint32(TERMIOS_C_LFLAG, true);
    this.line = bytes[TERMIOS_C_LINE]!;
    this.cc.set(bytes.subarray(TERMIOS_C_CC, TERMIOS_C_CC + NCCS));
    const whole = bytes.length >= TERMIOS2_SIZE;
    const output = whole ? view.getUint32(TERMIOS2_C_OSPEED, true) : this.outputSpeed;
    const input = whole ? view.getUint32(TERMIOS2_C_ISPEED, true) : this.inputSpeed;
    this.outputSpeed = outputSpeed(this.cflag, output);
    this.inputSpeed = inputSpeed(this.cflag, input, this.outputSpeed);
    locked.keep(old, this);
  }
}

type Settings = Pick<Termios, 'iflag' | 'oflag' | 'cflag' | 'lflag' | 'line' | 'cc'>;

/** A termios whose bits, and characters that are not 0, name what nobody may change. */
export class TermiosLock {
  readonly bytes: Uint8Array;

  constructor() {
    this.bytes = new Uint8Array(TERMIOS_SIZE);
  }

  /** Puts back what is locked. */
  keep(old: Settings, settings: Settings): void {
    const view = new DataView(this.bytes.buffer);
    const merge = (before: number, now: number, at: number): number => {
      const mask = view.getUint32(at, true);
      return ((now & ~mask) | (before & mask)) >>> 0;
    };
    settings.iflag = merge(old.iflag, settings.iflag, TERMIOS_C_IFLAG);
    settings.oflag = merge(old.oflag, settings.oflag, TERMIOS_C_OFLAG);
    settings.cflag = merge(old.cflag, settings.cflag, TERMIOS_C_CFLAG);
    settings.lflag = merge(old.lflag, settings.lflag, TERMIOS_C_LFLAG);
    if (this.bytes[TERMIOS_C_LINE] !== 0) settings.line = old.line;
    for (let i = 0; i < NCCS; i++) if (this.bytes[TERMIOS_C_CC + i] !== 0) settings.cc[i] = old.cc[i]!;
  }
}
