// N_TTY (termios(3)): what becomes of typed bytes. Canonical mode collects an editable line; other modes pass bytes on. Signals and flow
// control characters are acted on here, and everything is echoed as asked for.
import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  IMAXBEL,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  SIGINT,
  SIGQUIT,
  SIGTSTP,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VWERASE,
} from '@sandbox-kernel/abi';
import { ByteQueue } from './byte-queue.js';
import type { OutputProcessing } from './output-processing.js';
import type { Termios } from './termios.js';

const NEWLINE = 10;
const RETURN = 13;
const BELL = 7;
const TAB = 9;
const INPUT_LIMIT = 4096;

/** Who the discipline works for. */
export interface LineOwner {
  /** ISIG: to the foreground process group. */
  signalForeground(signal: number): void;
  /** Flow control by START and STOP. */
  setStopped(stopped: boolean): void;
  readonly stopped: boolean;
  /** Output not read yet goes away (with a signal). */
  flushOutput(): void;
}

export class LineDiscipline {
  private readonly termios: Termios;
  private readonly out: OutputProcessing;
  private readonly owner: LineOwner;
  /** Bytes that can be read. In canonical mode whole lines only. */
  readonly ready: ByteQueue;
  /** Lengths of the lines in `ready`; one ended by EOF may be empty: end of file. */
  private readonly lines: number[];
  /** The line being edited. */
  private readonly editing: number[];
  private literal: boolean;
  private startColumn: number;

  constructor(termios: Termios, out: OutputProcessing, owner: LineOwner) {
    this.termios = termios;
    this.out = out;
    this.owner = owner;
    this.ready = new ByteQueue(INPUT_LIMIT);
    this.lines = [];
    this.editing = [];
    this.literal = false;
    this.startColumn = 0;
  }

  /** Room for more typed bytes. In canonical mode without a complete line there is always some: excess is dropped. */
  get room(): number {
    if (this.termios.local(ICANON) && this.lines.length === 0) return INPUT_LIMIT;
    return INPUT_LIMIT - this.ready.size - this.editing.length;
  }

  /** A read would find something, by the rules of the present mode. */
  hasInput(minimum: number): boolean {
    if (this.termios.local(ICANON)) return this.lines.length > 0;
    return this.ready.size >= Math.max(minimum, 1);
  }

  /** Bytes for FIONREAD. */
  get available(): number {
    return this.termios.local(ICANON) ? this.lines.reduce((sum, line) => sum + line, 0) : this.ready.size;
  }

  /** One typed byte. */
  receive(byte: number): void {
    const termios = this.termios;
    let typed = termios.input(ISTRIP) ? byte & 0x7f : byte;
    if (termios.input(IUCLC) && termios.local(IEXTEN) && typed >= 0x41 && typed <= 0x5a) typed += 32;
    if (this.literal) {
      this.literal = false;
      this.accept(typed);
      return;
    }
    if (this.flowControl(typed)) return;
    if (termios.local(ISIG) && this.signalCharacter(typed)) return;
    if (typed === RETURN) {
      if (termios.input(IGNCR)) return;
      if (termios.input(ICRNL)) typed = NEWLINE;
    } else if (typed === NEWLINE && termios.input(INLCR)) typed = RETURN;
    if (termios.local(ICANON) && this.edit(typed)) return;
    this.accept(typed);
  }

  private is(index: number, byte: number): boolean {
    const character = this.termios.cc[index]!;
    return character !== 0 && character === byte;
  }

  private flowControl(byte: number): boolean {
    if (!this.termios.input(IXON)) return false;
    if (this.is(VSTART, byte)) {
      this.owner.setStopped(false);
      return true;
    }
    if (this.is(VSTOP, byte)) {
      this.owner.setStopped(true);
      return true;
    }
    if (this.owner.stopped && this.termios.input(IXANY)) this.owner.setStopped(false);
    return false;
  }

  private signalCharacter(byte: number): boolean {
    const signal = this.is(VINTR, byte)
      ? SIGINT
      : this.is(VQUIT, byte)
        ? SIGQUIT
        : this.is(VSUSP, byte)
          ? SIGTSTP
          : 0;
    if (signal === 0) return false;
    if (!this.termios.local(NOFLSH)) {
      this.flushInput();
      this.owner.flushOutput();
    }
    if (this.owner.stopped && this.termios.input(IXON)) this.owner.setStopped(false);
    if (this.termios.local(ECHO)) this.echo(byte);
    this.owner.signalForeground(signal);
    return true;
  }

  /** Editing characters and ends of lines; true when it was one. */
  private edit(byte: number): boolean {
    const extended = this.termios.local(IEXTEN);
    if (this.is(VERASE, byte)) this.erase();
    else if (this.is(VKILL, byte)) this.kill();
    else if (extended && this.is(VWERASE, byte)) this.eraseWord();
    else if (extended && this.is(VLNEXT, byte)) this.nextIsLiteral();
    else if (extended && this.is(VREPRINT, byte) && this.termios.local(ECHO)) this.reprint(byte);
    else if (this.is(VEOF, byte)) this.finishLine();
    else if (byte === NEWLINE || this.is(VEOL, byte) || (extended && this.is(VEOL2, byte)))
      this.endLine(byte);
    else return false;
    return true;
  }

  private endLine(byte: number): void {
    if (this.termios.local(ECHO)) {
      if (byte === NEWLINE) this.out.put(NEWLINE);
      else this.echo(byte);
    } else if (byte === NEWLINE && this.termios.local(ECHONL)) this.out.put(NEWLINE);
    this.editing.push(byte);
    this.finishLine();
  }

  /** The line can be read. Without its last byte being an end: EOF was typed. */
  private finishLine(): void {
    const length = this.editing.length;
    for (const byte of this.editing) this.ready.push(byte);
    this.editing.length = 0;
    this.lines.push(length);
    this.startColumn = this.out.column;
  }

  private accept(byte: number): void {
    if (this.editing.length + this.ready.size >= INPUT_LIMIT - 1) {
      if (this.termios.input(IMAXBEL)) this.out.put(BELL);
      return;
    }
    if (!this.termios.local(ICANON)) {
      if (this.termios.local(ECHO)) this.echo(byte);
      this.ready.push(byte);
      return;
    }
    if (this.editing.length === 0) this.startColumn = this.out.column;
    this.editing.push(byte);
    if (this.termios.local(ECHO)) this.echo(byte);
  }

  private nextIsLiteral(): void {
    this.literal = true;
    if (!this.termios.local(ECHO) || !this.termios.local(ECHOCTL)) return;
    this.out.put(0x5e);
    this.out.put(BACKSPACE);
  }

  private echo(byte: number): void {
    if (this.termios.local(ECHOCTL) && isControl(byte) && byte !== TAB && byte !== NEWLINE) {
      this.out.put(0x5e);
      this.out.put(byte ^ 0x40);
    } else this.out.put(byte);
  }

  private erase(): void {
    if (this.editing.length === 0) return;
    let byte = this.editing.pop()!;
    if (this.termios.input(IUTF8))
      while ((byte & 0xc0) === 0x80 && this.editing.length > 0) byte = this.editing.pop()!;
    if (!this.termios.local(ECHO)) return;
    if (!this.termios.local(ECHOE)) {
      this.echo(this.termios.cc[VERASE]!);
      return;
    }
    this.wipe(byte);
  }

  private wipe(byte: number): void {
    const width =
      byte === TAB
        ? this.tabWidth()
        : isControl(byte) && this.termios.local(ECHOCTL)
          ? 2
          : isControl(byte)
            ? 0
            : 1;
    for (let i = 0; i < width; i++) {
      this.out.put(BACKSPACE);
      if (byte === TAB) continue;
      this.out.put(0x20);
      this.out.put(BACKSPACE);
    }
  }

  /** Columns that a tab at the end of the line took: from where the rest of the line ends to where the cursor stands. */
  private tabWidth(): number {
    let column = this.startColumn;
    for (const byte of this.editing) {
      if (byte === TAB) column += 8 - (column & 7);
      else if (isControl(byte)) column += this.termios.local(ECHOCTL) ? 2 : 0;
      else if ((byte & 0xc0) !== 0x80) column++;
    }
    return 8 - (column & 7);
  }

  private kill(): void {
    if (!this.termios.local(ECHO)) {
      this.editing.length = 0;
      return;
    }
    if (this.termios.local(ECHOK) && this.termios.local(ECHOKE) && this.termios.local(ECHOE)) {
      while (this.editing.length > 0) this.erase();
      return;
    }
    this.editing.length = 0;
    this.echo(this.termios.cc[VKILL]!);
    if (this.termios.local(ECHOK)) this.out.put(NEWLINE);
  }

  private eraseWord(): void {
    let inWord = false;
    while (this.editing.length > 0) {
      const byte = this.editing[this.editing.length - 1]!;
      const letter = isWordByte(byte);
      if (inWord && !letter) return;
      if (letter) inWord = true;
      this.erase();
    }
  }

  private reprint(byte: number): void {
    this.echo(byte);
    this.out.put(NEWLINE);
    for (const one of this.editing) this.echo(one);
  }

  /** Takes up to `length` bytes: of one line in canonical mode. */
  read(into: Uint8Array, length: number): number {
    if (!this.termios.local(ICANON)) return this.take(into, Math.min(length, this.ready.size));
    const line = this.lines[0];
    if (line === undefined) return 0;
    const count = Math.min(line, length);
    if (count === line) this.lines.shift();
    else this.lines[0] = line - count;
    return this.take(into, count);
  }

  private take(into: Uint8Array, count: number): number {
    for (let i = 0; i < count; i++) into[i] = this.ready.shift();
    return count;
  }

  flushInput(): void {
    this.ready.clear();
    this.lines.length = 0;
    this.editing.length = 0;
    this.literal = false;
  }

  /** ICANON was switched: what has been typed stays readable. */
  modeChanged(canonical: boolean): void {
    if (canonical) {
      if (this.ready.size > 0) this.lines.push(this.ready.size);
      return;
    }
    for (const byte of this.editing) this.ready.push(byte);
    this.editing.length = 0;
    this.lines.length = 0;
  }
}

const BACKSPACE = 8;

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x5f ||
    byte >= 0x80
  );
}
