// Domain names on the wire: RFC 1035 section 3.1 and 4.1.4. A name is text in lower case (RFC 4343), labels joined by dots,
// a dot or backslash inside a label escaped by a backslash. Compression pointers may only point backwards, so that no
// message can send the reader round in circles.

import type { ByteReader, ByteWriter } from './bytes.js';

const MAX_NAME = 255;
const MAX_LABEL = 63;

/** Reads a name and moves the reader past it; null if it is malformed. */
export function readName(reader: ByteReader): string | null {
  const bytes = reader.bytes;
  let at = reader.at;
  let end = -1;
  let floor = at;
  let length = 0;
  const labels: string[] = [];
  for (;;) {
    const size = bytes[at];
    if (size === undefined) return null;
    if (size === 0) break;
    if ((size & 0xc0) === 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return null;
      const target = ((size & 0x3f) << 8) | low;
      if (target >= floor) return null;
      if (end < 0) end = at + 2;
      floor = target;
      at = target;
      continue;
    }
    length += size + 1;
    if (size > MAX_LABEL || length >= MAX_NAME || at + 1 + size > bytes.length) return null;
    labels.push(labelText(bytes, at + 1, size));
    at += size + 1;
  }
  reader.at = end < 0 ? at + 1 : end;
  return labels.join('.');
}

function labelText(bytes: Uint8Array, at: number, size: number): string {
  let text = '';
  for (let i = 0; i < size; i++) {
    const byte = bytes[at + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
    if (lower === 0x2e || lower === 0x5c) text += '\\';
    text += String.fromCharCode(lower);
  }
  return text;
}

/** Splits at dots that are not escaped, and takes the escapes off. */
export function splitName(name: string): string[] {
  const labels: string[] = [];
  let label = '';
  for (let i = 0; i < name.length; i++) {
    const c = name[i]!;
    if (c === '\\' && i + 1 < name.length) label += name[++i]!;
    else if (c === '.') {
      labels.push(label);
      label = '';
    } else label += c;
  }
  if (label !== '') labels.push(label);
  return labels;
}

/** True if the name can be written: no label empty or over 63 bytes, 255 in all. */
export function isValidName(name: string): boolean {
  const labels = splitName(name);
  let length = 1;
  for (const label of labels) {
    if (label.length === 0 || label.length > MAX_LABEL) return false;
    length += label.length + 1;
  }
  return length <= MAX_NAME;
}

/** Writes a name; suffixes found in `known` become pointers, new ones are remembered. null: no compression. */
export function writeName(writer: ByteWriter, name: string, known: Map<string, number> | null): void {
  const labels = splitName(name);
  for (let i = 0; i < labels.length; i++) {
    const suffix = labels.slice(i).join('\u0000').toLowerCase();
    const target = known?.get(suffix);
    if (target !== undefined) {
      writer.u16(0xc000 | target);
      return;
    }
    if (known !== null && writer.length < 0x4000) known.set(suffix, writer.length);
    writer.text(labels[i]!.slice(0, MAX_LABEL));
  }
  writer.u8(0);
}

/** The name under which a PTR record for an address is found. */
export function reverseName(bytes: Uint8Array): string {
  const parts: string[] = [];
  if (bytes.length === 4) {
    for (let i = 3; i >= 0; i--) parts.push(`${bytes[i]}`);
    return `${parts.join('.')}.in-addr.arpa`;
  }
  for (let i = 15; i >= 0; i--) parts.push((bytes[i]! & 15).toString(16), (bytes[i]! >>> 4).toString(16));
  return `${parts.join('.')}.ip6.arpa`;
}

/** Lower case without a last dot: the form in which names are compared. */
export function normalizeName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') && !lower.endsWith('\\.') ? lower.slice(0, -1) : lower;
}
