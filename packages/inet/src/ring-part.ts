// The memory that a packet socket shares with who maps it (packet(7), PACKET_RX_RING, PACKET_TX_RING): one area, in which the ring for
// receiving comes before that for sending.
import { type Kernel, RingMemory } from '@sandbox-kernel/kernel';

/** The part of the area that one ring has. */
export class RingPart {
  readonly size: number;
  memory: RingMemory;
  base: number;

  constructor(memory: RingMemory, base: number, size: number) {
    this.memory = memory;
    this.base = base;
    this.size = size;
  }

  word(offset: number): number {
    return this.memory.word(this.base + offset);
  }

  setWord(offset: number, value: number): number {
    return this.memory.setWord(this.base + offset, value);
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    return this.memory.writeAt(this.base + offset, from, at, length);
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    return this.memory.readAt(this.base + offset, into, at, length);
  }
}

const PIECE = 65536;

export class RingArea {
  private readonly kernel: Kernel;
  memory: RingMemory | null;
  private receiving: RingPart | null;
  private sending: RingPart | null;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.memory = null;
    this.receiving = null;
    this.sending = null;
  }

  get isMapped(): boolean {
    return (this.memory?.mappings ?? 0) > 0;
  }

  /** Room for a ring of `size` bytes beside the other, which keeps its content; `size` 0 gives the room back. Pre: nobody maps it. */
  allot(sends: boolean, size: number, inode: number): RingPart | null {
    const other = sends ? this.receiving : this.sending;
    const before = this.memory;
    const total = size + (other?.size ?? 0);
    this.memory = total === 0 ? null : new RingMemory(this.kernel, total, inode);
    let part: RingPart | null = null;
    if (size > 0) part = new RingPart(this.memory as RingMemory, sends ? (other?.size ?? 0) : 0, size);
    if (other !== null) this.move(other, sends ? 0 : size);
    if (sends) this.sending = part;
    else this.receiving = part;
    before?.drop();
    return part;
  }

  private move(part: RingPart, base: number): void {
    const memory = this.memory as RingMemory;
    const bytes = new Uint8Array(Math.min(PIECE, part.size));
    for (let at = 0; at < part.size; at += bytes.length) {
      const count = Math.min(bytes.length, part.size - at);
      part.readAt(at, bytes, 0, count);
      memory.writeAt(base + at, bytes, 0, count);
    }
    part.memory = memory;
    part.base = base;
  }

  close(): void {
    this.memory?.drop();
    this.memory = null;
  }
}
