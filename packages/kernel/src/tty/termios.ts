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
  TERMIOS2_SIZE,
} from '@sandbox-kernel/abi';

const DEFAULT_CC = [3, 0x1c, 0x7f, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0xf, 0x17, 0x16, 0, 0, 0];
const SPEED = 38400;

export class Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  readonly cc: Uint8Array;

  constructor() {
    this.iflag = ICRNL | IXON;
    this.oflag = OPOST | ONLCR;
    this.cflag = B38400 | CS8 | CREAD;
    this.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    this.line = 0;
    this.cc = Uint8Array.from(DEFAULT_CC);
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
    view.setUint32(TERMIOS_SIZE, SPEED, true);
    view.setUint32(TERMIOS_SIZE + 4, SPEED, true);
  }

  decode(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.iflag = view.getUint32(TERMIOS_C_IFLAG, true);
    this.oflag = view.getUint32(TERMIOS_C_OFLAG, true);
    this.cflag = (view.getUint32(TERMIOS_C_CFLAG, true) & ~0x130) | CS8 | CREAD;
    this.lflag = view.getUint32(TERMIOS_C_LFLAG, true);
    this.line = bytes[TERMIOS_C_LINE]!;
    this.cc.set(bytes.subarray(TERMIOS_C_CC, TERMIOS_C_CC + NCCS));
  }
}
