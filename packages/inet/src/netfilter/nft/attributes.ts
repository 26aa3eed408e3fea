// Attributes of nfnetlink: numbers are big-endian, lists repeat one type, and nothing that a program says of lengths is believed.
import { NLA_TYPE_MASK } from '@sandbox-kernel/abi';
import type { MessageWriter } from '../../netlink/message.js';

export type Attributes = ReadonlyMap<number, Uint8Array>;

/** In the order of the message. */
export function listAttributes(bytes: Uint8Array): [number, Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    found.push([view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length)]);
    at += (length + 3) & ~3;
  }
  return found;
}

/** By type; of several with one type the last. */
export function attributesOf(bytes: Uint8Array | undefined): Attributes {
  return new Map(bytes === undefined ? [] : listAttributes(bytes));
}

export function be32(attributes: Attributes, type: number, otherwise = 0): number {
  const data = attributes.get(type);
  if (data === undefined || data.length < 4) return otherwise;
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

/** Exact below 2^53. */
export function be64(attributes: Attributes, type: number, otherwise = 0): number {
  const data = attributes.get(type);
  if (data === undefined || data.length < 8) return otherwise;
  const view = new DataView(data.buffer, data.byteOffset);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

export function textOf(attributes: Attributes, type: number): string | undefined {
  const data = attributes.get(type);
  if (data === undefined) return undefined;
  let letters = '';
  for (const byte of data) {
    if (byte === 0) break;
    letters += String.fromCharCode(byte);
  }
  return letters;
}

export function write32(writer: MessageWriter, type: number, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0);
  writer.attribute(type, bytes);
}

export function write64(writer: MessageWriter, type: number, value: number): void {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
  writer.attribute(type, bytes);
}

export function writeNest(writer: MessageWriter, type: number, fill: () => void): void {
  const at = writer.nest(type);
  fill();
  writer.endNest(at);
}

/** Attributes as they came. */
export function writeAll(writer: MessageWriter, attributes: Iterable<readonly [number, Uint8Array]>): void {
  for (const [type, data] of attributes) writer.attribute(type, data);
}
