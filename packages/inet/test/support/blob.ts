// Building ip_tables blobs as iptables(8) does.
import type { XtLayout } from '../../src/netfilter/xt/xt-blob.js';

const ENTRY = 112;

export interface Part {
  readonly name: string;
  readonly revision?: number;
  readonly data: Uint8Array;
}

function part({ name, revision = 0, data }: Part): Uint8Array {
  const bytes = new Uint8Array(32 + ((data.length + 7) & ~7));
  new DataView(bytes.buffer).setUint16(0, bytes.length, true);
  for (let i = 0; i < name.length; i++) bytes[2 + i] = name.charCodeAt(i);
  bytes[31] = revision;
  bytes.set(data, 32);
  return bytes;
}

export function verdict(value: number): Part {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setInt32(0, value, true);
  return { name: '', data };
}

/** struct ipt_entry with these matches and target. */
export function entry(target: Part, matches: readonly Part[] = [], protocol = 0): Uint8Array {
  const parts = matches.map(part);
  const last = part(target);
  const to = parts.reduce((sum, each) => sum + each.length, ENTRY);
  const bytes = new Uint8Array(to + last.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(80, protocol, true);
  view.setUint16(88, to, true);
  view.setUint16(90, bytes.length, true);
  let at = ENTRY;
  for (const each of [...parts, last]) {
    bytes.set(each, at);
    at += each.length;
  }
  return bytes;
}

export const END: Uint8Array = entry({
  name: 'ERROR',
  data: Uint8Array.from('ERROR'.padEnd(32, '\0'), (letter) => letter.charCodeAt(0)),
});

export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A filter table whose INPUT holds `rules`; more chains may follow in `rest`. */
export function filterTable(
  rules: readonly Uint8Array[],
  rest: readonly Uint8Array[] = [],
): { readonly bytes: Uint8Array; readonly layout: XtLayout; readonly restAt: number } {
  const policy = entry(verdict(-2));
  const input = concatenate(rules).length;
  const forward = input + policy.length;
  const output = forward + policy.length;
  const bytes = concatenate([...rules, policy, policy, policy, ...rest, END]);
  return {
    bytes,
    restAt: output + policy.length,
    layout: {
      count: rules.length + 3 + rest.length + 1,
      validHooks: 0b1110,
      entryPoints: [0, 0, forward, output, 0],
      underflows: [0, input, forward, output, 0],
    },
  };
}

/** The udp match of a destination port. */
export function udpPort(port: number): Part {
  const data = new Uint8Array(10);
  const view = new DataView(data.buffer);
  view.setUint16(2, 0xffff, true);
  view.setUint16(4, port, true);
  view.setUint16(6, port, true);
  return { name: 'udp', data };
}
