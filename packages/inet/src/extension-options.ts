// IPv6 extension headers as a program gives them (ipv6(7), RFC 3542 sections 7 to 10): options that stay, and control messages. Hop-by-hop and
// destination options are sent; no routing header is taken, as Linux takes none but those of modules (RFC 5095).
import {
  CAP_NET_RAW,
  EINVAL,
  EPERM,
  IPV6_DSTOPTS,
  IPV6_HOPOPTS,
  IPV6_RTHDR,
  IPV6_RTHDRDSTOPTS,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { ExtensionHeaders } from '@sandbox-kernel/netstack';

export const PROTOCOL_HOP_BY_HOP = 0;
export const PROTOCOL_ROUTING = 43;
export const PROTOCOL_DESTINATION = 60;
const MOST = 8 * 255;

export function isExtensionOption(option: number): boolean {
  return (
    option === IPV6_HOPOPTS ||
    option === IPV6_DSTOPTS ||
    option === IPV6_RTHDRDSTOPTS ||
    option === IPV6_RTHDR
  );
}

/** Headers that a socket keeps, by their option. */
export type KeptHeaders = Map<number, Uint8Array>;

export function keepHeader(kept: KeptHeaders, task: Task, option: number, bytes: Uint8Array): number {
  if (option !== IPV6_RTHDR && !task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
  if (bytes.length === 0) {
    kept.delete(option);
    return 0;
  }
  if (bytes.length < 2 || bytes.length % 8 !== 0 || bytes.length > MOST) return -EINVAL;
  if (lengthOf(bytes) > bytes.length || option === IPV6_RTHDR) return -EINVAL;
  kept.set(option, bytes.slice());
  return 0;
}

/** Of one datagram, by a control message. */
export function headerOnce(task: Task, option: number, bytes: Uint8Array): Uint8Array | number {
  if (bytes.length < 2 || lengthOf(bytes) > bytes.length) return -EINVAL;
  if (option === IPV6_RTHDR) return -EINVAL;
  if (!task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
  return bytes.slice(0, lengthOf(bytes));
}

function lengthOf(bytes: Uint8Array): number {
  return ((bytes[1] as number) + 1) * 8;
}

/** What is sent; null: nothing. Destination options before a routing header would go with that only. */
export function headersToSend(kept: KeptHeaders, once: KeptHeaders | null): ExtensionHeaders | null {
  const of = (option: number): Uint8Array | undefined => once?.get(option) ?? kept.get(option);
  const headers: (readonly [number, Uint8Array])[] = [];
  const hop = of(IPV6_HOPOPTS);
  const destination = of(IPV6_DSTOPTS);
  if (hop !== undefined) headers.push([PROTOCOL_HOP_BY_HOP, hop.subarray(0, lengthOf(hop))]);
  if (destination !== undefined)
    headers.push([PROTOCOL_DESTINATION, destination.subarray(0, lengthOf(destination))]);
  return headers.length === 0 ? null : new ExtensionHeaders(headers);
}
