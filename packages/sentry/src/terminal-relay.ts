// The host side of a guest terminal (`-t`): what is typed on the host's terminal goes to the master, what programs print comes back.
// Pumps whenever either side has news; never blocks, and keeps what one side can't take yet.
import { POLLIN, POLLOUT } from '@sandbox-kernel/abi';
import type { Waiter } from '@sandbox-kernel/contracts';
import type { Terminal } from '@sandbox-kernel/kernel';
import { ByteSegments, type FileDescription, WaitNode } from '@sandbox-kernel/vfs';

const BUFFER_BYTES = 4096;

/** Bytes on their way in one direction. */
class Pending {
  readonly bytes = new Uint8Array(BUFFER_BYTES);
  start = 0;
  end = 0;

  get empty(): boolean {
    return this.start === this.end;
  }

  /** Drops what was taken from the front. */
  taken(count: number): void {
    this.start += count;
    if (this.start === this.end) {
      this.start = 0;
      this.end = 0;
    }
  }
}

export class TerminalRelay implements Waiter {
  readonly terminal: Terminal;
  readonly #input: FileDescription;
  readonly #output: FileDescription;
  readonly #typed = new Pending();
  readonly #printed = new Pending();
  readonly #segments = new ByteSegments();
  #inputEnded = false;
  #pumping = false;
  #again = false;

  /** Takes over one reference to each file. They may be the same host terminal. */
  constructor(terminal: Terminal, input: FileDescription, output: FileDescription) {
    this.terminal = terminal;
    this.#input = input;
    this.#output = output;
    input.ops.addWaiter(input, new WaitNode(this, POLLIN));
    output.ops.addWaiter(output, new WaitNode(this, POLLOUT));
    terminal.masterQueue.add(new WaitNode(this, POLLIN | POLLOUT));
    this.pump();
  }

  wake(): boolean {
    this.pump();
    return true;
  }

  /** Moves everything that can be moved. What it wakes may ask for it again; that is one more round, not a recursion. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#again) {
      this.#again = false;
      while (this.#pumpInput());
      while (this.#pumpOutput());
    }
    this.#pumping = false;
  }

  /** True when bytes moved. */
  #pumpInput(): boolean {
    const typed = this.#typed;
    if (typed.empty && !this.#inputEnded) {
      this.#segments.reset().add(typed.bytes, 0, BUFFER_BYTES);
      const count = this.#input.ops.read(this.#input, this.#segments, this.#input.position, 0);
      if (count === 0) this.#inputEnded = true;
      if (count <= 0) return false;
      typed.end = count;
      this.#input.position += count;
    }
    if (typed.empty) return false;
    const taken = this.terminal.type(typed.bytes.subarray(typed.start, typed.end), typed.end - typed.start);
    typed.taken(taken);
    return taken > 0;
  }

  #pumpOutput(): boolean {
    const printed = this.#printed;
    if (printed.empty) printed.end = this.terminal.drain(printed.bytes, 0, BUFFER_BYTES);
    if (printed.empty) return false;
    this.#segments.reset().add(printed.bytes, printed.start, printed.end - printed.start);
    const count = this.#output.ops.write(this.#output, this.#segments, this.#output.position, 0);
    if (count <= 0) return false;
    this.#output.position += count;
    printed.taken(count);
    return true;
  }
}
