// Reading and growing byte sequences for DNS messages. Reads past the end give zeros: callers ask `has` where it matters.

export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  has(count: number): boolean {
    return this.at + count <= this.bytes.length;
  }

  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }

  u16(): number {
    return (this.u8() << 8) | this.u8();
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  latin1(count: number): string {
    let text = '';
    for (let i = 0; i < count; i++) text += String.fromCharCode(this.u8());
    return text;
  }
}

export class ByteWriter {
  private bytes: Uint8Array;
  length: number;

  constructor() {
    this.bytes = new Uint8Array(512);
    this.length = 0;
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.u8(value >>> 8);
    this.u8(value);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  setU16(at: number, value: number): void {
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  append(more: Uint8Array): void {
    if (this.length + more.length > this.bytes.length) this.grow(more.length);
    this.bytes.set(more, this.length);
    this.length += more.length;
  }

  /** A character string: a length byte and at most 255 bytes. */
  text(text: string): void {
    const length = Math.min(text.length, 255);
    this.u8(length);
    for (let i = 0; i < length; i++) this.u8(text.charCodeAt(i));
  }

  truncate(length: number): void {
    this.length = length;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private grow(needed: number): void {
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + needed));
    bigger.set(this.bytes);
    this.bytes = bigger;
  }
}
