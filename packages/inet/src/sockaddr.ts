// sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)) as programs pass them: lengths and families are checked in Linux's order, and addresses of
// IPv4 stand v4-mapped in those of an IPv6 socket.
import { AF_INET, AF_INET6, AF_UNSPEC, EAFNOSUPPORT, EINVAL } from '@sandbox-kernel/abi';
import { Address, ANY_V4 } from '@sandbox-kernel/netstack';

export const SOCKADDR_IN = 16;
export const SOCKADDR_IN6 = 28;
/** RFC 2133's sockaddr_in6, without the scope. */
const SOCKADDR_IN6_OLD = 24;

/** An address and port that a program named. */
export interface InetName {
  readonly address: Address;
  readonly port: number;
  /** Interface index of a link-local IPv6 address, 0 when not told. */
  readonly scope: number;
}

export function familyOf(bytes: Uint8Array): number {
  return bytes.length < 2 ? -1 : (bytes[0] as number) | ((bytes[1] as number) << 8);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readV4(bytes: Uint8Array): InetName {
  const view = viewOf(bytes);
  return { address: Address.v4(view.getInt32(4)), port: view.getUint16(2), scope: 0 };
}

function readV6(bytes: Uint8Array): InetName {
  const view = viewOf(bytes);
  const address = new Address(view.getInt32(8), view.getInt32(12), view.getInt32(16), view.getInt32(20));
  const scope = bytes.length >= SOCKADDR_IN6 ? view.getUint32(24, true) : 0;
  return { address, port: view.getUint16(2), scope };
}

/** For bind(2). AF_UNSPEC with INADDR_ANY passes as AF_INET, as it always has. */
export function parseBindName(bytes: Uint8Array, isV6: boolean): InetName | number {
  if (bytes.length < (isV6 ? SOCKADDR_IN6_OLD : SOCKADDR_IN)) return -EINVAL;
  const family = familyOf(bytes);
  if (isV6) return family === AF_INET6 ? readV6(bytes) : -EAFNOSUPPORT;
  if (family === AF_INET) return readV4(bytes);
  const name = readV4(bytes);
  return family === AF_UNSPEC && name.address.equals(ANY_V4) ? name : -EAFNOSUPPORT;
}

/** For connect(2) of a stream or datagram socket; AF_UNSPEC is the caller's business. */
export function parseConnectName(bytes: Uint8Array, isV6: boolean): InetName | number {
  const family = familyOf(bytes);
  if (!isV6) {
    if (bytes.length < SOCKADDR_IN) return -EINVAL;
    return family === AF_INET ? readV4(bytes) : -EAFNOSUPPORT;
  }
  if (bytes.length < SOCKADDR_IN6_OLD)
    return family === AF_INET && bytes.length >= SOCKADDR_IN ? readV4(bytes) : -EINVAL;
  if (family === AF_INET6) return readV6(bytes);
  return family === AF_INET ? readV4(bytes) : -EAFNOSUPPORT;
}

/** For sendto(2); null: AF_UNSPEC on an IPv6 socket, which means "none given". */
export function parseSendName(bytes: Uint8Array, isV6: boolean): InetName | number | null {
  const family = familyOf(bytes);
  if (!isV6) {
    if (bytes.length < SOCKADDR_IN) return -EINVAL;
    return family === AF_INET || family === AF_UNSPEC ? readV4(bytes) : -EAFNOSUPPORT;
  }
  if (family === AF_INET6) return bytes.length < SOCKADDR_IN6_OLD ? -EINVAL : readV6(bytes);
  if (family === AF_INET) return bytes.length < SOCKADDR_IN ? -EINVAL : readV4(bytes);
  return family === AF_UNSPEC ? null : -EINVAL;
}

/** sockaddr bytes of the socket's family. */
export function encodeName(address: Address, port: number, isV6: boolean, scope = 0): Uint8Array {
  const bytes = new Uint8Array(isV6 ? SOCKADDR_IN6 : SOCKADDR_IN);
  const view = viewOf(bytes);
  view.setUint16(0, isV6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (isV6) {
    address.write16(view, 8);
    view.setUint32(24, address.needsScope ? scope : 0, true);
  } else view.setInt32(4, address.w3);
  return bytes;
}
