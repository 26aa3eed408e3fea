// The public face of the package: names are listed one by one.

export { Address, AddressCache, ANY_V4, ANY_V6, BROADCAST_V4, LOOPBACK_V4, LOOPBACK_V6 } from './address.js';
export {
  DhcpClient,
  type DhcpLease,
  type DhcpOptions,
  type DhcpOwner,
  type DhcpState,
} from './dhcp/client.js';
export { type CachedAnswer, DnsCache } from './dns/cache.js';
export {
  DNS_A,
  DNS_AAAA,
  DNS_ANY,
  DNS_CNAME,
  DNS_FORMERR,
  DNS_IN,
  DNS_MX,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NS,
  DNS_NXDOMAIN,
  DNS_OPT,
  DNS_PTR,
  DNS_REFUSED,
  DNS_SERVFAIL,
  DNS_SOA,
  DNS_SRV,
  DNS_TXT,
  type DnsData,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  EMPTY_MESSAGE as EMPTY_DNS_MESSAGE,
  emitDns,
  parseDns,
} from './dns/message.js';
export { type DnsResult, Resolver, type ResolverOptions } from './dns/resolver.js';
export { type DnsHandler, type DnsReply, DnsServer, DnsTable } from './dns/server.js';
export { DnsStream } from './dns/stream.js';
export { createDgram, type DgramModule, type DgramSocket } from './facade/dgram.js';
export { createNet, type NetModule, type NetServer, type NetSocket } from './facade/net.js';
export type { DuplexLike, EmitterLike, FacadeRuntime } from './facade/runtime.js';
export {
  Conntrack,
  type ConntrackOptions,
  CT_ESTABLISHED,
  CT_INVALID,
  CT_NEW,
  CT_RELATED,
  CT_UNTRACKED,
} from './filter/conntrack.js';
export {
  Counter,
  Evaluation,
  REGISTER_BYTES,
  type RuleStep,
  STEP_BREAK,
  STEP_GOTO,
  STEP_JUMP,
  STEP_NEXT,
  STEP_RETURN,
} from './filter/evaluation.js';
export {
  FLOW_ASSURED,
  FLOW_CONFIRMED,
  FLOW_DESTINATION_NAT,
  FLOW_SEEN_REPLY,
  FLOW_SOURCE_NAT,
  type Flow,
  type FlowTuple,
} from './filter/flow.js';
export type { MatchOptions, PacketMatcher, PortRange, Prefix, RateLimit } from './filter/match.js';
export { Nat, type NatRange } from './filter/nat.js';
export { rejectReset, rejectUnreachable } from './filter/reject.js';
export { rewriteBytes } from './filter/rewrite.js';
export {
  ActionStep,
  Chain,
  type ChainOptions,
  ownAddress,
  Rule,
  type RuleAction,
  type RuleObserver,
} from './filter/rules.js';
export { InvariantError } from './invariant.js';
export { BridgeDevice, type BridgeOptions } from './link/bridge.js';
export { CaptureDevice, type CaptureOptions, type CaptureSink } from './link/capture-device.js';
export {
  FEATURE_ALL_OFFLOADS,
  FEATURE_CHECKSUM,
  FEATURE_LOOPBACK,
  FEATURE_TSO,
  FEATURE_USO,
  type LinkDevice,
  type LinkSink,
  MEDIUM_ETHERNET,
  MEDIUM_IP,
} from './link/device.js';
export { ExternalDevice, type ExternalDeviceOptions, type FrameOutput } from './link/external-device.js';
export { FaultDevice, type FaultOptions } from './link/fault-device.js';
export { LoopbackDevice, type LoopbackOptions } from './link/loopback.js';
export { createVethPair, type VethDevice, type VethOptions } from './link/veth.js';
export { VirtioNetDevice, type VirtioNetOptions } from './link/virtio-net-device.js';
export { readOffload, writeOffload } from './link/virtio-offload.js';
export { type VlanDevice, VlanTrunk } from './link/vlan.js';
export {
  HOOK_FORWARD,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  type HookContext,
  type PacketHook,
  PRIORITY_CONNTRACK,
  PRIORITY_DNAT,
  PRIORITY_FILTER,
  PRIORITY_MANGLE,
  PRIORITY_RAW,
  PRIORITY_SNAT,
  VERDICT_ACCEPT,
  VERDICT_DROP,
  VERDICT_STOLEN,
} from './network/hooks.js';
export type { InterfaceOptions, NetInterface } from './network/interface.js';
export type { InterfaceAddress } from './network/interface-address.js';
export { LoopbackCapture } from './network/loopback-capture.js';
export type {
  MulticastEntry,
  MulticastMiss,
  MulticastOutput,
  MulticastRoute,
} from './network/multicast-forward.js';
export type { NeighbourEntry, NeighbourOptions } from './network/neighbour.js';
export type { NetworkLayer, NetworkObserver, NetworkOptions } from './network/network.js';
export type { PacketEndpoint, PacketEndpointOptions, PacketStore } from './network/packet-endpoint.js';
export {
  FANOUT_HASH,
  FANOUT_PROGRAM,
  FANOUT_RANDOM,
  FANOUT_ROLLOVER,
  FANOUT_ROUND,
  PacketFanout,
  ROOM_LOW,
  ROOM_NONE,
  ROOM_NORMAL,
} from './network/packet-fanout.js';
export type { IcmpLimits } from './network/rate-limit.js';
export type { RawEndpoint, RawOptions } from './network/raw-endpoint.js';
export type { ReassemblyOptions } from './network/reassembly.js';
export type { AdvertisedPrefix, AdvertiserOptions } from './network/router-advertiser.js';
export {
  type NextHop,
  type PolicyRule,
  type RouteEntry,
  type RouteKind,
  type RouteOptions,
  TABLE_DEFAULT,
  TABLE_LOCAL,
  TABLE_MAIN,
} from './network/routing.js';
export { type DestinationCandidate, sortDestinations } from './network/source-selection.js';
export type {
  DeferredOwner,
  IcmpError,
  RandomSource,
  ReadinessOwner,
  TransportHost,
  TransportProtocol,
} from './roles.js';
export {
  type PacketChooser,
  type PacketFilter,
  READY_ERROR,
  READY_HANGUP,
  READY_PRIORITY,
  READY_READ,
  READY_READ_HANGUP,
  READY_WRITE,
  REFUSE_ADMIN,
  REFUSE_HOST,
  REFUSE_PORT,
  REFUSE_PROTOCOL,
  Route,
} from './roles.js';
export { type AddressOptions, Stack, type StackOptions } from './stack.js';
export {
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  HEADROOM,
  PACKET_BROADCAST,
  PACKET_INTERCEPTED,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  PacketBuffer,
  PacketPool,
  type PacketPoolOptions,
} from './storage/packet-buffer.js';
export { Timer, type TimerOwner, TimerWheel } from './storage/timer-wheel.js';
export { BindRequest } from './transport/ports.js';
export { type TcpConfig, TcpSettings } from './transport/tcp/config.js';
export {
  READ_DISCARD,
  READ_PEEK,
  READ_URGENT,
  TcpEndpoint,
  WRITE_MORE,
  WRITE_URGENT,
} from './transport/tcp/endpoint.js';
export type { ForwardedTcp, RefuseTcp, TcpForwarder } from './transport/tcp/forwarder.js';
export { TcpInfo } from './transport/tcp/info.js';
export {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from './transport/tcp/state.js';
export { SHUTDOWN_RECEIVE, SHUTDOWN_SEND } from './transport/tcp/tcb.js';
export { Tcp } from './transport/tcp/tcp.js';
export type { TimeWait } from './transport/tcp/time-wait.js';
export { UDP_PEEK, UDP_SHUTDOWN_RECEIVE, UDP_SHUTDOWN_SEND, UdpEndpoint } from './transport/udp/endpoint.js';
export type { ForwardedUdp, UdpForwarder } from './transport/udp/forwarder.js';
export { UdpError, UdpMessage } from './transport/udp/message.js';
export { UdpSettings } from './transport/udp/settings.js';
export { Udp, type UdpConfig, type UdpCounters } from './transport/udp/udp.js';
export { formatMac, parseMac } from './wire/ethernet.js';
export { echoOptions } from './wire/ipv4-options.js';
export { ExtensionHeaders, listExtensions } from './wire/ipv6-extension.js';
export { type Capture, type CapturedPacket, parsePcapng } from './wire/pcapng.js';
