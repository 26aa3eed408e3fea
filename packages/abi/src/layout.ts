// Layouts of C structures: where each field stands, and typed access to it over (DataView, offset). Little-endian, x86-64.
// Hot paths use the offset constants of the family files (`view.getUint32(at + STAT_ST_MODE, true)`) and the 64-bit
// functions below; the StructLayout objects are for cold paths, tests and documentation.
// 64-bit fields are numbers: exact below 2^53, rounded above. All ones is 2 ** 64 (RLIM_INFINITY, ~0UL).

const WORD = 4294967296;

/** Unsigned 64-bit load; values above 2^53 come rounded. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * WORD;
}

/** Signed 64-bit load; values beyond ±2^53 come rounded. */
export function getI64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * WORD;
}

/** 64-bit store of an integer in [-2^63, 2^64]; 2^64 and more store all ones. */
export function set64(view: DataView, at: number, value: number): void {
  if (value >= 18446744073709552000) {
    view.setUint32(at, 0xffffffff, true);
    view.setUint32(at + 4, 0xffffffff, true);
    return;
  }
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}

/** Cold: exact unsigned 64-bit load. */
export function getBigU64(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}

/** Cold: exact 64-bit store, modulo 2^64. */
export function setBigU64(view: DataView, at: number, value: bigint): void {
  view.setBigUint64(at, value, true);
}

/** Low 32 bits of an integer, unsigned. */
export function lowWord(value: number): number {
  return value >>> 0;
}

/** Bits 32–63 of an integer, unsigned. */
export function highWord(value: number): number {
  return Math.floor(value / WORD) >>> 0;
}

/** The integer with these halves; rounded above 2^53. */
export function joinWords(low: number, high: number): number {
  return (high >>> 0) * WORD + (low >>> 0);
}

/** `value & flag` for flags above bit 31, where JavaScript's `&` sees only the low half. */
export function hasFlag64(value: number, flag: number): boolean {
  return (lowWord(value) & lowWord(flag)) !== 0 || (highWord(value) & highWord(flag)) !== 0;
}

/** Start of the page that holds `addr`; `addr & ~4095` would be wrong above 4 GiB. */
export function pageBase(addr: number): number {
  return addr - (addr & 4095);
}

/** `addr` rounded up to a page. */
export function pageRoundUp(addr: number): number {
  return pageBase(addr + 4095);
}

export type ScalarKind = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64';

export interface ScalarField {
  readonly kind: ScalarKind;
  readonly offset: number;
  readonly count: 1;
}

export interface ArrayField {
  readonly kind: ScalarKind;
  readonly offset: number;
  readonly count: number;
  readonly array: true;
}

export interface BytesField {
  readonly kind: 'bytes';
  readonly offset: number;
  readonly count: number;
}

export type Field = ScalarField | ArrayField | BytesField;

type FieldValue<F> = F extends BytesField ? Uint8Array : F extends ArrayField ? number[] : number;
type ScalarNames<F> = { [K in keyof F]: F[K] extends ScalarField ? K : never }[keyof F];
type Values<F> = { -readonly [K in keyof F]: FieldValue<F[K]> };

const scalar = (kind: ScalarKind, offset: number): ScalarField => ({ kind, offset, count: 1 });

export const u8 = (offset: number): ScalarField => scalar('u8', offset);
export const i8 = (offset: number): ScalarField => scalar('i8', offset);
export const u16 = (offset: number): ScalarField => scalar('u16', offset);
export const i16 = (offset: number): ScalarField => scalar('i16', offset);
export const u32 = (offset: number): ScalarField => scalar('u32', offset);
export const i32 = (offset: number): ScalarField => scalar('i32', offset);
export const u64 = (offset: number): ScalarField => scalar('u64', offset);
export const i64 = (offset: number): ScalarField => scalar('i64', offset);
export const bytes = (offset: number, count: number): BytesField => ({ kind: 'bytes', offset, count });
export const array = (kind: ScalarKind, offset: number, count: number): ArrayField => ({
  kind,
  offset,
  count,
  array: true,
});

const SIZES: Readonly<Record<ScalarKind | 'bytes', number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  bytes: 1,
};

/** Bytes that a field takes. */
export function fieldSize(field: Field): number {
  return SIZES[field.kind] * field.count;
}

function load(view: DataView, at: number, kind: ScalarKind): number {
  switch (kind) {
    case 'u8':
      return view.getUint8(at);
    case 'i8':
      return view.getInt8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 'i16':
      return view.getInt16(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'i32':
      return view.getInt32(at, true);
    case 'u64':
      return getU64(view, at);
    case 'i64':
      return getI64(view, at);
  }
}

function store(view: DataView, at: number, kind: ScalarKind, value: number): void {
  const size = SIZES[kind];
  if (size === 1) view.setUint8(at, value);
  else if (size === 2) view.setUint16(at, value, true);
  else if (size === 4) view.setUint32(at, value, true);
  else set64(view, at, value);
}

/** One C structure. Pre of all accessors: `[at, at + size)` lies within the view. */
export class StructLayout<F extends Readonly<Record<string, Field>>> {
  constructor(
    /** As in C: `struct stat`. */
    readonly cName: string,
    readonly size: number,
    readonly fields: F,
  ) {}

  /** A scalar field's value. */
  get(view: DataView, at: number, name: ScalarNames<F>): number {
    const field = this.fields[name] as Field;
    return load(view, at + field.offset, field.kind as ScalarKind);
  }

  /** Stores a scalar field, modulo its width. */
  set(view: DataView, at: number, name: ScalarNames<F>, value: number): void {
    const field = this.fields[name] as Field;
    store(view, at + field.offset, field.kind as ScalarKind, value);
  }

  /** All fields as an object; byte fields are copies. */
  decode(view: DataView, at: number): Values<F> {
    const out: Record<string, number | number[] | Uint8Array> = {};
    for (const [name, field] of Object.entries(this.fields)) out[name] = decodeField(view, at, field);
    return out as Values<F>;
  }

  /** Stores the given fields; the others, and padding, stay as they are. */
  encode(view: DataView, at: number, values: Partial<Values<F>>): void {
    for (const [name, value] of Object.entries(values)) {
      const field = this.fields[name];
      if (field !== undefined && value !== undefined) encodeField(view, at, field, value);
    }
  }
}

function decodeField(view: DataView, at: number, field: Field): number | number[] | Uint8Array {
  const start = at + field.offset;
  if (field.kind === 'bytes') {
    return new Uint8Array(view.buffer, view.byteOffset + start, field.count).slice();
  }
  if (!('array' in field)) return load(view, start, field.kind);
  const out: number[] = [];
  for (let i = 0; i < field.count; i++) out.push(load(view, start + i * SIZES[field.kind], field.kind));
  return out;
}

function encodeField(view: DataView, at: number, field: Field, value: unknown): void {
  const start = at + field.offset;
  if (field.kind === 'bytes') {
    const from = value as Uint8Array;
    new Uint8Array(view.buffer, view.byteOffset + start, field.count).set(from.subarray(0, field.count));
    return;
  }
  if (!('array' in field)) {
    store(view, start, field.kind, value as number);
    return;
  }
  const from = value as number[];
  for (let i = 0; i < field.count; i++) {
    store(view, start + i * SIZES[field.kind], field.kind, from[i] ?? 0);
  }
}

/** Declares a layout; free of side effects, so an unused one is dropped by bundlers. */
export function struct<F extends Readonly<Record<string, Field>>>(
  cName: string,
  size: number,
  fields: F,
): StructLayout<F> {
  return new StructLayout(cName, size, fields);
}
