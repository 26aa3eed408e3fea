// How socket options travel: integers that a program may pass short, and what it gets back.

/** An int, of the first byte alone when only that much was passed (ip(7) options); 0 for nothing. */
export function shortInt(value: Uint8Array): number {
  if (value.length >= 4) return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
  return value.length >= 1 ? (value[0] as number) : 0;
}

/** An int of a value of at least four bytes. */
export function wholeInt(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}

export function intBytes(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** getsockopt(2) at IPPROTO_IP: one byte when the program left room for no more. */
export function shortBytes(value: number, room: number): Uint8Array {
  if (room > 0 && room < 4 && value >= 0 && value <= 255) return Uint8Array.of(value);
  return intBytes(value);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
