// Line speeds of struct termios2 (ioctl_tty(2), termios(3)): what the bits of c_cflag mean in bits per second. Nothing runs at them.
import { BOTHER, CBAUD, CBAUDEX, IBSHIFT } from '@sandbox-kernel/abi';

/** By the number in CBAUD; those with CBAUDEX follow the sixteen without. */
const SPEEDS: readonly number[] = [
  0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200,
  230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000, 2_500_000,
  3_000_000, 3_500_000, 4_000_000,
];

/** `given`: the number beside the flags, which counts with BOTHER. */
export function outputSpeed(cflag: number, given: number): number {
  const code = cflag & CBAUD;
  if (code === BOTHER) return given;
  const index = (code & CBAUDEX) !== 0 ? (code & ~CBAUDEX) + 15 : code;
  return SPEEDS[index] ?? 0;
}

/** B0: the same as for output. */
export function inputSpeed(cflag: number, given: number, output: number): number {
  const code = (cflag >>> IBSHIFT) & CBAUD;
  return code === 0 ? output : outputSpeed(code, given);
}
