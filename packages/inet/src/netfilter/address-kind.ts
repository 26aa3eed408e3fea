// What an address is to this host, as RTN_* numbers (rtnetlink(7)): addrtype, nft's fib.
import {
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '@sandbox-kernel/abi';
import type { Address, NetworkLayer } from '@sandbox-kernel/netstack';

/** `interfaceIndex` 0: of any interface. */
export function addressKind(network: NetworkLayer, address: Address, interfaceIndex: number): number {
  if (address.isMulticast) return RTN_MULTICAST;
  if (address.isV4 && network.isBroadcastAddress(address)) return RTN_BROADCAST;
  if (network.isLocalAddress(address, interfaceIndex)) return RTN_LOCAL;
  const route = network.borrowRoute(address);
  route.boundInterface = interfaceIndex;
  const kind = network.lookupRoute(route, null)?.kind;
  network.returnRoute(route);
  switch (kind) {
    case 'local':
      return RTN_LOCAL;
    case 'blackhole':
      return RTN_BLACKHOLE;
    case 'unreachable':
      return RTN_UNREACHABLE;
    case 'prohibit':
      return RTN_PROHIBIT;
    default:
      return RTN_UNICAST;
  }
}
