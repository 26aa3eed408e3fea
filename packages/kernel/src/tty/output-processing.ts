// What a terminal makes of written bytes (termios(3), c_oflag): newlines, tabs, and the column that erasing must know.
import { OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TAB3, TABDLY } from '@sandbox-kernel/abi';
import type { ByteQueue } from './byte-queue.js';
import type { Termios } from './termios.js';

const BACKSPACE = 8;
const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
/** Most bytes that one written byte becomes (a tab). */
export const MOST_EXPANSION = 8;

export class OutputProcessing {
  private readonly termios: Termios;
  private readonly queue: ByteQueue;
  column: number;

  constructor(termios: Termios, queue: ByteQueue) {
    this.termios = termios;
    this.queue = queue;
    this.column = 0;
  }

  /** False when there is no room: nothing was written. */
  put(byte: number): boolean {
    if (this.queue.room < MOST_EXPANSION) return false;
    if (!this.termios.output(OPOST)) this.queue.push(byte);
    else this.process(byte);
    return true;
  }

  private process(byte: number): void {
    const termios = this.termios;
    switch (byte) {
      case NEWLINE:
        if (termios.output(ONLCR)) {
          this.queue.push(RETURN);
          this.column = 0;
        } else if (termios.output(ONLRET)) this.column = 0;
        this.queue.push(NEWLINE);
        return;
      case RETURN:
        if (termios.output(ONOCR) && this.column === 0) return;
        if (termios.output(OCRNL)) {
          this.queue.push(NEWLINE);
          if (termios.output(ONLRET)) this.column = 0;
          return;
        }
        this.column = 0;
        this.queue.push(RETURN);
        return;
      case TAB:
        this.tab();
        return;
      case BACKSPACE:
        if (this.column > 0) this.column--;
        this.queue.push(byte);
        return;
      default:
        this.plain(byte);
    }
  }

  private tab(): void {
    const width = 8 - (this.column & 7);
    this.column += width;
    if ((this.termios.oflag & TABDLY) !== TAB3) this.queue.push(TAB);
    else for (let i = 0; i < width; i++) this.queue.push(0x20);
  }

  private plain(byte: number): void {
    const lower = byte >= 0x61 && byte <= 0x7a;
    this.queue.push(lower && this.termios.output(OLCUC) ? byte - 32 : byte);
    const continuation = (byte & 0xc0) === 0x80;
    if (byte >= 0x20 && byte !== 0x7f && !continuation) this.column++;
  }
}
