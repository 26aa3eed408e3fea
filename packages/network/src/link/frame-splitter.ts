// Takes frames out of a stream of bytes: each behind its length. The peer is believed in nothing: a length that no frame has ends it.

export const FRAME_HEADER = 4;
const LARGEST_FRAME = 65_535 + 14 + 4;
const SMALLEST_FRAME = 14;

export class FrameSplitter {
  #bytes = new Uint8Array(0);
  #at = 0;

  /** Adds bytes; false when what lies there is no sequence of frames. */
  push(bytes: Uint8Array): boolean {
    const rest = this.#bytes.length - this.#at;
    const joined = new Uint8Array(rest + bytes.length);
    joined.set(this.#bytes.subarray(this.#at));
    joined.set(bytes, rest);
    this.#bytes = joined;
    this.#at = 0;
    return this.#isSound();
  }

  /** The next whole frame, valid until the next push; null when more bytes are needed. */
  next(): Uint8Array | null {
    const length = this.#length(this.#at);
    const end = this.#at + FRAME_HEADER + length;
    if (length < 0 || end > this.#bytes.length) return null;
    const frame = this.#bytes.subarray(this.#at + FRAME_HEADER, end);
    this.#at = end;
    return frame;
  }

  #isSound(): boolean {
    for (let at = 0; ; ) {
      const length = this.#length(at);
      if (length < 0) return true;
      if (length < SMALLEST_FRAME || length > LARGEST_FRAME) return false;
      at += FRAME_HEADER + length;
    }
  }

  /** -1 while the header is not there. */
  #length(at: number): number {
    if (at + FRAME_HEADER > this.#bytes.length) return -1;
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getUint32(at, true);
  }
}
