// What ioctl_tty(2) keeps from older systems: struct termio, the settings in 16-bit words (TCGETA, TCSETA and its like).
import {
  TERMIO_C_CC,
  TERMIO_C_CFLAG,
  TERMIO_C_IFLAG,
  TERMIO_C_LFLAG,
  TERMIO_C_LINE,
  TERMIO_C_OFLAG,
  TERMIO_SIZE,
} from '@sandbox-kernel/abi';
import { Termios } from './termios.js';

const CHARACTERS = 8;

export function encodeTermio(termios: Termios): Uint8Array {
  const bytes = new Uint8Array(TERMIO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(TERMIO_C_IFLAG, termios.iflag, true);
  view.setUint16(TERMIO_C_OFLAG, termios.oflag, true);
  view.setUint16(TERMIO_C_CFLAG, termios.cflag, true);
  view.setUint16(TERMIO_C_LFLAG, termios.lflag, true);
  bytes[TERMIO_C_LINE] = termios.line;
  bytes.set(termios.cc.subarray(0, CHARACTERS), TERMIO_C_CC);
  return bytes;
}

/** The high halves of the words stay as `current` has them. Pre: TERMIO_SIZE bytes. */
export function decodeTermio(bytes: Uint8Array, current: Termios): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number, old: number): number => ((old & ~0xffff) | view.getUint16(at, true)) >>> 0;
  const next = new Termios();
  next.iflag = word(TERMIO_C_IFLAG, current.iflag);
  next.oflag = word(TERMIO_C_OFLAG, current.oflag);
  next.cflag = word(TERMIO_C_CFLAG, current.cflag);
  next.lflag = word(TERMIO_C_LFLAG, current.lflag);
  next.line = bytes[TERMIO_C_LINE]!;
  next.cc.set(current.cc);
  next.cc.set(bytes.subarray(TERMIO_C_CC, TERMIO_C_CC + CHARACTERS));
  return next;
}
