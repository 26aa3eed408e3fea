// The server name of a TLS ClientHello: RFC 8446 section 4.1.2, RFC 6066 section 3. Reads what a guest sent, so nothing in it is
// believed: lengths are checked, records are joined, and at most LIMIT bytes are looked at.

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const RECORD_HEADER = 5;
/** A ClientHello with post-quantum keys has 2 KiB; nobody needs more than this. */
export const HELLO_LIMIT = 16384;

/** `none`: TLS without a server name. `other`: not TLS. `more`: can't be told yet. */
export type Sighting =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'none' | 'other' | 'more' | 'malformed' };

const MORE: Sighting = { kind: 'more' };
const MALFORMED: Sighting = { kind: 'malformed' };

/** Looks at the first bytes of a stream. */
export function sightServerName(bytes: Uint8Array): Sighting {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== HANDSHAKE_RECORD) return { kind: 'other' };
  if (bytes.length >= 2 && bytes[1] !== 3) return { kind: 'other' };
  const message = joinRecords(bytes);
  if (message === null) return MALFORMED;
  if (message.length >= 1 && message[0] !== CLIENT_HELLO) return MALFORMED;
  if (message.length < 4) return isFull(bytes);
  const length = u24(message, 1);
  if (length > HELLO_LIMIT) return MALFORMED;
  if (message.length < 4 + length) return isFull(bytes);
  return readHello(message.subarray(4, 4 + length));
}

function isFull(bytes: Uint8Array): Sighting {
  return bytes.length >= HELLO_LIMIT ? MALFORMED : MORE;
}

/** The payloads of the handshake records; the last may be cut off. null when another kind of record comes between. */
function joinRecords(bytes: Uint8Array): Uint8Array | null {
  const joined = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
    if (bytes[at] !== HANDSHAKE_RECORD) return length === 0 ? null : joined.subarray(0, length);
    const size = u16(bytes, at + 3);
    if (size === 0 || size > HELLO_LIMIT + 256) return null;
    const end = Math.min(at + RECORD_HEADER + size, bytes.length);
    joined.set(bytes.subarray(at + RECORD_HEADER, end), length);
    length += end - at - RECORD_HEADER;
    at += RECORD_HEADER + size;
  }
  return joined.subarray(0, length);
}

/** The body of a ClientHello: version, random, session, ciphers, compression, extensions. */
function readHello(body: Uint8Array): Sighting {
  let at = 34;
  at = skip(body, at, 1);
  at = skip(body, at, 2);
  at = skip(body, at, 1);
  if (at < 0) return MALFORMED;
  if (at === body.length) return { kind: 'none' };
  if (at + 2 > body.length || at + 2 + u16(body, at) !== body.length) return MALFORMED;
  return readExtensions(body, at + 2);
}

/** The offset behind a vector whose length takes `size` bytes; -1 when it does not fit. */
function skip(body: Uint8Array, at: number, size: 1 | 2): number {
  if (at < 0 || at + size > body.length) return -1;
  const length = size === 1 ? (body[at] as number) : u16(body, at);
  const end = at + size + length;
  return end > body.length ? -1 : end;
}

function readExtensions(body: Uint8Array, start: number): Sighting {
  let found: Sighting = { kind: 'none' };
  for (let at = start; at < body.length; ) {
    if (at + 4 > body.length) return MALFORMED;
    const end = at + 4 + u16(body, at + 2);
    if (end > body.length) return MALFORMED;
    if (u16(body, at) === SERVER_NAME) {
      if (found.kind !== 'none') return MALFORMED;
      found = readServerName(body.subarray(at + 4, end));
      if (found.kind === 'malformed') return MALFORMED;
    }
    at = end;
  }
  return found;
}

/** One host_name in a list that ends where the extension ends: all that clients send. */
function readServerName(list: Uint8Array): Sighting {
  if (list.length < 5 || u16(list, 0) !== list.length - 2 || list[2] !== 0) return MALFORMED;
  const length = u16(list, 3);
  if (length === 0 || length !== list.length - 5) return MALFORMED;
  let name = '';
  for (let i = 5; i < list.length; i++) {
    const byte = list[i] as number;
    if (byte <= 0x20 || byte >= 0x7f) return MALFORMED;
    name += String.fromCharCode(byte);
  }
  return { kind: 'name', name: name.toLowerCase() };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | u16(bytes, at + 1);
}
