// From what a program calls a host to an address: literals, `localhost`, or the runtime's lookup.

import { Address, ANY_V4, ANY_V6, LOOPBACK_V4 } from '../address.js';
import type { FacadeRuntime } from './runtime.js';

/** Calls `done` with an address, or null if the name is not known; at once for literals. */
export function resolveHost(
  runtime: FacadeRuntime,
  host: string | undefined,
  done: (address: Address | null) => void,
): void {
  const literal = host === undefined || host === 'localhost' ? LOOPBACK_V4 : Address.parse(host);
  if (literal !== null) done(literal);
  else if (runtime.lookup === undefined) done(null);
  else runtime.lookup(host!, (addresses) => done(addresses[0] ?? null));
}

/** Where to listen: nothing or an unspecified address means all. */
export function bindAddress(host: string | undefined): Address | null | undefined {
  if (host === undefined || host === '') return null;
  const address = host === 'localhost' ? LOOPBACK_V4 : Address.parse(host);
  if (address === null) return undefined;
  return address.equals(ANY_V4) || address.equals(ANY_V6) ? null : address;
}

export function isIP(text: string): 0 | 4 | 6 {
  const address = Address.parse(text);
  if (address === null) return 0;
  return text.includes(':') ? 6 : 4;
}

export interface AddressInfo {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

export function addressInfo(address: Address, port: number): AddressInfo {
  return { address: address.toString(), family: address.isV4 ? 'IPv4' : 'IPv6', port };
}
