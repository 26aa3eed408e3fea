// The smallest ELF files that load: one code page, one data page with room for .bss, and whatever a test wants to be wrong.

export interface ElfOptions {
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly data?: number;
  readonly interpreter?: string;
  readonly phCount?: number;
  readonly phEntrySize?: number;
}

const PAGE = 4096;

function segment(
  view: DataView,
  at: number,
  type: number,
  flags: number,
  offset: number,
  addr: number,
  file: number,
  mem: number,
): void {
  view.setUint32(at, type, true);
  view.setUint32(at + 4, flags, true);
  put(view, at + 8, offset);
  put(view, at + 16, addr);
  put(view, at + 24, addr);
  put(view, at + 32, file);
  put(view, at + 40, mem);
  put(view, at + 48, PAGE);
}

function put(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Code at 0x400000 (file offset 0), data at `data` (file offset 0x1000, 16 bytes, the page zeroed beyond and one more page of .bss). */
export function tinyElf(options: ElfOptions = {}): Uint8Array {
  const bytes = new Uint8Array(2 * PAGE);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const dynamic = (options.type ?? 2) === 3;
  const base = dynamic ? 0 : 0x400000;
  view.setUint16(16, options.type ?? 2, true);
  view.setUint16(18, options.machine ?? 62, true);
  view.setUint32(20, 1, true);
  put(view, 24, options.entry ?? base + 0x200);
  put(view, 32, 64);
  view.setUint16(52, 64, true);
  view.setUint16(54, options.phEntrySize ?? 56, true);
  const interpreter = options.interpreter;
  view.setUint16(56, options.phCount ?? (interpreter === undefined ? 2 : 3), true);
  segment(view, 64, 1, 5, 0, base, PAGE, PAGE);
  const data = options.data ?? base + 0x100000;
  segment(view, 120, 1, 6, PAGE, data, 16, 2 * PAGE);
  bytes.fill(0xee, PAGE, 2 * PAGE);
  if (interpreter !== undefined) {
    segment(view, 176, 3, 4, 0x400, 0x400, interpreter.length + 1, interpreter.length + 1);
    for (let i = 0; i < interpreter.length; i++) bytes[0x400 + i] = interpreter.charCodeAt(i);
  }
  return bytes;
}
