// Memory that a socket shares with who maps it: rings of packets (packet(7), PACKET_RX_RING). The socket holds it; what a program writes
// there is only ever read as the state of a slot.
import { SharedMemory } from '@sandbox-kernel/mm';
import type { Kernel } from '../kernel.js';

export class RingMemory extends SharedMemory {
  readonly #word = new Uint8Array(4);
  readonly #view = new DataView(this.#word.buffer);

  constructor(kernel: Kernel, size: number, inode: number) {
    super(kernel.memoryFile, size, `socket:[${inode}]`, inode, false);
    this.hold();
  }

  /** A 32-bit word; zero where nothing was written. */
  word(offset: number): number {
    this.readAt(offset, this.#word, 0, 4);
    return this.#view.getUint32(0, true);
  }

  setWord(offset: number, value: number): number {
    this.#view.setUint32(0, value, true);
    return this.writeAt(offset, this.#word, 0, 4);
  }
}
