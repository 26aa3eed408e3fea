// What the network layer counts, in the terms of the SNMP MIBs (RFC 4293) as /proc/net/snmp shows them.

import type { PacketBuffer } from '../storage/packet-buffer.js';

export class NetworkCounters {
  inReceives = 0;
  inHeaderErrors = 0;
  inAddressErrors = 0;
  inUnknownProtocols = 0;
  inDiscards = 0;
  inDelivers = 0;
  inNoRoutes = 0;
  inTruncated = 0;
  outRequests = 0;
  outDiscards = 0;
  outNoRoutes = 0;
  forwarded = 0;
  reassembliesRequired = 0;
  reassembliesOk = 0;
  reassembliesFailed = 0;
  reassemblyTimeouts = 0;
  fragmentsOk = 0;
  fragmentsFailed = 0;
  fragmentsCreated = 0;
  icmpIn = 0;
  icmpInErrors = 0;
  icmpOut = 0;
  /** By type (RFC 4293, icmpMsgStatsTable). */
  readonly icmpInTypes = new Uint32Array(256);
  readonly icmpOutTypes = new Uint32Array(256);
  icmpRateLimited = 0;
  icmpEchosAnswered = 0;
}

export class InterfaceCounters {
  rxPackets = 0;
  rxBytes = 0;
  rxErrors = 0;
  rxDropped = 0;
  txPackets = 0;
  txBytes = 0;
  txErrors = 0;
  txDropped = 0;
  multicast = 0;
}

/** An ICMP message on its way out; `at` is its header's place. */
export function countIcmpOut(counters: NetworkCounters, packet: PacketBuffer, at: number): void {
  if (at >= packet.end) return;
  counters.icmpOut++;
  countType(counters.icmpOutTypes, packet.view.getUint8(at));
}

export function countType(types: Uint32Array, type: number): void {
  types[type] = (types[type] as number) + 1;
}
