// Between JavaScript text and paths of one character per byte. Bytes that are not UTF-8 become U+FFFD when shown.

/** UTF-8 bytes of `text`, one character each. Lone surrogates become U+FFFD. */
export function toBytes(text: string): string {
  let plain = true;
  for (let i = 0; i < text.length && plain; i++) plain = text.charCodeAt(i) < 0x80;
  if (plain) return text;
  let out = '';
  for (const char of text) out += encodePoint(char.codePointAt(0)!);
  return out;
}

function encodePoint(value: number): string {
  const point = value >= 0xd800 && value <= 0xdfff ? 0xfffd : value;
  if (point < 0x80) return String.fromCharCode(point);
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), 0x80 | (point & 63));
  if (point < 0x10000) {
    return String.fromCharCode(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return String.fromCharCode(
    0xf0 | (point >> 18),
    0x80 | ((point >> 12) & 63),
    0x80 | ((point >> 6) & 63),
    0x80 | (point & 63),
  );
}

/** Text of UTF-8 bytes, one character each. */
export function fromBytes(bytes: string): string {
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const first = bytes.charCodeAt(i);
    const length = sequenceLength(first);
    const point = length === 1 ? first : decodeSequence(bytes, i, length);
    out += point < 0 ? '\ufffd' : String.fromCodePoint(point);
    i += point < 0 ? 1 : length;
  }
  return out;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function decodeSequence(bytes: string, at: number, length: number): number {
  if (length === 0 || at + length > bytes.length) return -1;
  let point = bytes.charCodeAt(at) & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes.charCodeAt(at + i);
    if ((next & 0xc0) !== 0x80) return -1;
    point = (point << 6) | (next & 63);
  }
  const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < smallest || point > 0x10ffff || surrogate ? -1 : point;
}
