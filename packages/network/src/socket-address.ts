// struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)), to and from netstack's addresses.
import { Address } from '@sandbox-kernel/netstack';

const AF_INET = 2;
const AF_INET6 = 10;
const SIZE_V4 = 16;
const SIZE_V6 = 28;

export interface SocketAddress {
  readonly address: Address;
  readonly port: number;
}

export function writeSocketAddress(address: Address, port: number): Uint8Array {
  const bytes = new Uint8Array(address.isV4 ? SIZE_V4 : SIZE_V6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.isV4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  address.write(view, address.isV4 ? 4 : 8);
  return bytes;
}

/** null for another family or what is too short. */
export function readSocketAddress(bytes: Uint8Array, length: number): SocketAddress | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = length >= 2 ? view.getUint16(0, true) : 0;
  if (family === AF_INET && length >= SIZE_V4)
    return { address: Address.v4(view.getInt32(4)), port: view.getUint16(2) };
  if (family !== AF_INET6 || length < SIZE_V6 - 4) return null;
  const address = Address.fromBytes(bytes.subarray(8, 24));
  return address === null ? null : { address, port: view.getUint16(2) };
}
