// Tiny programs as bytes, without an assembler: each method appends one instruction (Intel SDM vol. 2) and returns the builder.
// Registers are numbered as the processor encodes them.

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;

export class Code {
  readonly #bytes: number[];

  constructor() {
    this.#bytes = [];
  }

  get length(): number {
    return this.#bytes.length;
  }

  raw(...bytes: number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  /** mov $value, %reg (64 bits) */
  mov(register: number, value: number | bigint): this {
    this.raw(0x48 | (register >> 3), 0xb8 | (register & 7));
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < 8; i++) {
      this.#bytes.push(Number(rest & 255n));
      rest >>= 8n;
    }
    return this;
  }

  /** mov (%base), %register. Not for RSP, RBP and their extended twins. */
  load(register: number, base: number): this {
    return this.raw(0x48 | ((register >> 3) << 2) | (base >> 3), 0x8b, ((register & 7) << 3) | (base & 7));
  }

  /** mov %register, (%base) */
  store(base: number, register: number): this {
    return this.raw(0x48 | ((register >> 3) << 2) | (base >> 3), 0x89, ((register & 7) << 3) | (base & 7));
  }

  syscall(): this {
    return this.raw(0x0f, 0x05);
  }

  /** Puts a number into RAX and makes the call. */
  call(number: number): this {
    return this.mov(RAX, number).syscall();
  }

  /** jmp *%register */
  jump(register: number): this {
    return this.raw(0xff, 0xe0 | register);
  }

  /** incq (%base) */
  increment(base: number): this {
    return this.raw(0x48, 0xff, base);
  }

  /** jmp to itself */
  spin(): this {
    return this.raw(0xeb, 0xfe);
  }

  /** jmp to byte `target` of this code */
  jumpTo(target: number): this {
    return this.raw(0xeb, (target - this.length - 2) & 0xff);
  }

  nop(): this {
    return this.raw(0x90);
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
