// IPv6 extension headers (RFC 8200 section 4, RFC 5722, RFC 7112, RFC 5095): hop-by-hop and destination options, routing,
// fragment and authentication headers.
import { PROTO_AH, PROTO_DSTOPTS, PROTO_FRAGMENT, PROTO_HOPOPTS, PROTO_IPV6_ROUTE } from './protocols.js';

export const FRAGMENT_HEADER = 8;
export const OPTION_PAD1 = 0;
export const OPTION_PADN = 1;
export const OPTION_ROUTER_ALERT = 5;

export interface FragmentHeader {
  readonly nextHeader: number;
  /** In bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
}

export interface Ipv6Option {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface OptionsHeader {
  readonly nextHeader: number;
  readonly options: readonly Ipv6Option[];
}

export function isExtension(protocol: number): boolean {
  return (
    protocol === PROTO_HOPOPTS ||
    protocol === PROTO_IPV6_ROUTE ||
    protocol === PROTO_FRAGMENT ||
    protocol === PROTO_DSTOPTS ||
    protocol === PROTO_AH
  );
}

/** Length of the extension header at `at`, 0 when it does not fit. */
export function extensionLength(view: DataView, protocol: number, at: number, end: number): number {
  if (end - at < 8) return 0;
  const field = view.getUint8(at + 1);
  let length = (field + 1) * 8;
  if (protocol === PROTO_FRAGMENT) length = FRAGMENT_HEADER;
  else if (protocol === PROTO_AH) length = (field + 2) * 4;
  return length > end - at ? 0 : length;
}

export function parseFragment(view: DataView, start: number, end: number): FragmentHeader | null {
  if (end - start < FRAGMENT_HEADER) return null;
  const word = view.getUint16(start + 2);
  return {
    nextHeader: view.getUint8(start),
    offset: word & 0xfff8,
    more: (word & 1) !== 0,
    identification: view.getUint32(start + 4),
  };
}

export function emitFragment(header: FragmentHeader, view: DataView, at: number): number {
  view.setUint8(at, header.nextHeader);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, (header.offset & 0xfff8) | (header.more ? 1 : 0));
  view.setUint32(at + 4, header.identification);
  return FRAGMENT_HEADER;
}

/** Parses a hop-by-hop or destination options header, padding left out. Null when malformed. */
export function parseOptionsHeader(view: DataView, start: number, end: number): OptionsHeader | null {
  const length = extensionLength(view, PROTO_DSTOPTS, start, end);
  if (length === 0) return null;
  const options: Ipv6Option[] = [];
  let at = start + 2;
  const stop = start + length;
  while (at < stop) {
    const type = view.getUint8(at);
    if (type === OPTION_PAD1) {
      at++;
      continue;
    }
    if (at + 2 > stop || at + 2 + view.getUint8(at + 1) > stop) return null;
    const size = view.getUint8(at + 1);
    if (type !== OPTION_PADN) {
      options.push({ type, data: new Uint8Array(view.buffer, view.byteOffset + at + 2, size).slice() });
    }
    at += 2 + size;
  }
  return { nextHeader: view.getUint8(start), options };
}

/** Emits an options header, padded to a multiple of eight; returns its length. */
export function emitOptionsHeader(header: OptionsHeader, view: DataView, start: number): number {
  let at = start + 2;
  for (const option of header.options) {
    view.setUint8(at, option.type);
    view.setUint8(at + 1, option.data.length);
    for (let i = 0; i < option.data.length; i++) view.setUint8(at + 2 + i, option.data[i] as number);
    at += 2 + option.data.length;
  }
  const padding = (8 - ((at - start) & 7)) & 7;
  if (padding === 1) view.setUint8(at, OPTION_PAD1);
  else if (padding > 1) {
    view.setUint8(at, OPTION_PADN);
    view.setUint8(at + 1, padding - 2);
    for (let i = 2; i < padding; i++) view.setUint8(at + i, 0);
  }
  at += padding;
  view.setUint8(start, header.nextHeader);
  view.setUint8(start + 1, (at - start) / 8 - 1);
  return at - start;
}

/** Extension headers in a row, as they stand behind the IPv6 header. */
export class ExtensionHeaders {
  /** Protocol of the first. */
  readonly first: number;
  readonly bytes: Uint8Array;
  /** Where the last one's next header field is. */
  readonly lastAt: number;

  /** `headers`: at least one, each a multiple of eight bytes; their next header fields are written here. */
  constructor(headers: readonly (readonly [number, Uint8Array])[]) {
    this.first = headers[0]?.[0] ?? 0;
    this.bytes = new Uint8Array(headers.reduce((sum, [, bytes]) => sum + bytes.length, 0));
    let at = 0;
    let last = 0;
    headers.forEach(([, bytes], i) => {
      this.bytes.set(bytes, at);
      this.bytes[at] = headers[i + 1]?.[0] ?? 0;
      last = at;
      at += bytes.length;
    });
    this.lastAt = last;
  }
}

/** The extension headers in [start, end), the first being one of `protocol`; fragment headers are left out. */
export function listExtensions(
  bytes: Uint8Array,
  protocol: number,
  start: number,
  end: number,
): (readonly [number, Uint8Array])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: (readonly [number, Uint8Array])[] = [];
  for (let at = start, next = protocol; at < end && isExtension(next); ) {
    const length = extensionLength(view, next, at, end);
    if (length === 0) break;
    if (next !== PROTO_FRAGMENT) found.push([next, bytes.slice(at, at + length)]);
    next = view.getUint8(at);
    at += length;
  }
  return found;
}
