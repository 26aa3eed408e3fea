// A TLS 1.2 style ClientHello, as a client would send it.

function vector(size: 1 | 2 | 3, bytes: readonly number[]): number[] {
  const head: number[] = [];
  for (let i = size - 1; i >= 0; i--) head.push((bytes.length >>> (8 * i)) & 255);
  return [...head, ...bytes];
}

function serverName(name: string): number[] {
  const entry = [0, ...vector(2, [...Buffer.from(name, 'latin1')])];
  return [0, 0, ...vector(2, vector(2, entry))];
}

/** `recordSize` > 0 cuts it into records of that many bytes. `further` are more server_name extensions. */
export function clientHello(
  name: string | null,
  recordSize = 0,
  further: readonly string[] = [],
): Uint8Array {
  const names = name === null ? [] : [name, ...further];
  const extensions = [...names.flatMap(serverName), 0, 23, 0, 0];
  const body = [
    3,
    3,
    ...new Array<number>(32).fill(7),
    ...vector(1, []),
    ...vector(2, [0x13, 0x01]),
    ...vector(1, [0]),
    ...vector(2, extensions),
  ];
  const message = [1, ...vector(3, body)];
  const size = recordSize || message.length;
  const records: number[] = [];
  for (let at = 0; at < message.length; at += size)
    records.push(22, 3, 1, ...vector(2, message.slice(at, at + size)));
  return Uint8Array.from(records);
}
