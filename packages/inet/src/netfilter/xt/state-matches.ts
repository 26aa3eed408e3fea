// Matches on what is known beside a packet: its flow, marks, rates, its socket, kinds of addresses (iptables-extensions(8)).
import { EINVAL, ERANGE } from '@sandbox-kernel/abi';
import {
  type Address,
  CT_ESTABLISHED,
  CT_INVALID,
  CT_NEW,
  CT_RELATED,
  CT_UNTRACKED,
  type Evaluation,
  FLOW_ASSURED,
  FLOW_CONFIRMED,
  FLOW_DESTINATION_NAT,
  FLOW_SEEN_REPLY,
  FLOW_SOURCE_NAT,
  type Flow,
  type FlowTuple,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  type PacketBuffer,
  type RuleStep,
} from '@sandbox-kernel/netstack';
import { addressKind } from '../address-kind.js';
import type { Netfilter } from '../netfilter.js';
import { Condition } from '../steps.js';
import { TokenBucket } from '../token-bucket.js';
import { readInetAddress } from './header-matches.js';
import type { XtExtension, XtPlace } from './xt-extension.js';

const STATE_INVALID = 1;
const STATE_ESTABLISHED = 2;
const STATE_RELATED = 4;
const STATE_NEW = 8;
const STATE_SNAT = 64;
const STATE_DNAT = 128;
/** Of `-m conntrack` and of `-m state`. */
const STATE_UNTRACKED = 256;
const OLD_STATE_UNTRACKED = 64;

/** XT_CONNTRACK_STATE_BIT of the packet. */
function stateBit(netfilter: Netfilter, packet: PacketBuffer, untracked: number): number {
  switch (netfilter.tracker.stateOf(packet)) {
    case CT_ESTABLISHED:
      return STATE_ESTABLISHED;
    case CT_RELATED:
      return STATE_RELATED;
    case CT_NEW:
      return STATE_NEW;
    case CT_UNTRACKED:
      return untracked;
    case CT_INVALID:
      return STATE_INVALID;
    default:
      return 0;
  }
}

function makeState(data: DataView, { netfilter }: XtPlace): RuleStep {
  const mask = data.getUint32(0, true);
  void netfilter.tracker;
  return new Condition(({ packet }) => (stateBit(netfilter, packet, OLD_STATE_UNTRACKED) & mask) !== 0);
}

/** IPS_* of nf_conntrack_common.h. */
export function flowStatus(flow: Flow): number {
  let status = 0;
  if (flow.has(FLOW_SEEN_REPLY)) status |= 2;
  if (flow.has(FLOW_ASSURED)) status |= 4;
  if (flow.has(FLOW_CONFIRMED)) status |= 8;
  if (flow.has(FLOW_SOURCE_NAT)) status |= 16;
  if (flow.has(FLOW_DESTINATION_NAT)) status |= 32;
  return status;
}

const CT_STATE = 1;
const CT_PROTO = 2;
const CT_STATUS = 0x40;
const CT_EXPIRES = 0x80;
const CT_DIRECTION = 0x1000;
/** Bits of the four addresses and the four ports, in the order of the struct. */
const CT_ADDRESSES = [4, 8, 0x10, 0x20];
const CT_PORTS = [0x100, 0x200, 0x400, 0x800];

interface ConntrackQuestion {
  readonly flags: number;
  readonly inverted: number;
  readonly states: number;
  readonly statuses: number;
  readonly protocol: number;
  readonly addresses: readonly { readonly value: Address; readonly mask: Address }[];
  readonly ports: readonly { readonly from: number; readonly to: number }[];
  readonly expires: readonly [number, number];
}

/** struct xt_conntrack_mtinfo1, 2 and 3. */
function readConntrack(data: DataView, revision: number, isV6: boolean): ConntrackQuestion {
  const addresses = [0, 32, 64, 96].map((at) => ({
    value: readInetAddress(data, at, isV6),
    mask: readInetAddress(data, at + 16, isV6),
  }));
  const wide = revision >= 3;
  const ports = [138, 140, 142, 144].map((at, i) => {
    const from = data.getUint16(at, wide);
    return { from, to: wide ? data.getUint16(154 + i * 2, true) : from };
  });
  const narrow = revision === 1;
  return {
    flags: data.getUint16(146, true),
    inverted: data.getUint16(148, true),
    states: narrow ? data.getUint8(150) : data.getUint16(150, true),
    statuses: narrow ? data.getUint8(151) : data.getUint16(152, true),
    protocol: data.getUint16(136, true),
    addresses,
    ports,
    expires: [data.getUint32(128, true), data.getUint32(132, true)],
  };
}

function covered(address: Address, value: Address, mask: Address): boolean {
  return (
    ((address.w3 ^ value.w3) & mask.w3) === 0 &&
    (address.isV4 ||
      (((address.w0 ^ value.w0) & mask.w0) |
        ((address.w1 ^ value.w1) & mask.w1) |
        ((address.w2 ^ value.w2) & mask.w2)) ===
        0)
  );
}

function tupleEnds({ original, reply }: Flow): [FlowTuple, boolean][] {
  return [
    [original, true],
    [original, false],
    [reply, true],
    [reply, false],
  ];
}

function flowHolds(q: ConntrackQuestion, flow: Flow, direction: number, now: number): boolean {
  const agree = (bit: number, holds: boolean): boolean =>
    (q.flags & bit) === 0 || holds !== ((q.inverted & bit) !== 0);
  if (!agree(CT_DIRECTION, direction === 0)) return false;
  const ends = tupleEnds(flow);
  for (let i = 0; i < 4; i++) {
    const [tuple, isSource] = ends[i] as [FlowTuple, boolean];
    const { value, mask } = q.addresses[i] as ConntrackQuestion['addresses'][number];
    const address = isSource ? tuple.source : tuple.destination;
    if (!agree(CT_ADDRESSES[i] as number, covered(address, value, mask))) return false;
    const port = isSource ? tuple.sourcePort : tuple.destinationPort;
    const { from, to } = q.ports[i] as ConntrackQuestion['ports'][number];
    if (!agree(CT_PORTS[i] as number, port >= from && port <= to)) return false;
  }
  if (!agree(CT_PROTO, flow.protocol === q.protocol)) return false;
  if (!agree(CT_STATUS, (flowStatus(flow) & q.statuses) !== 0)) return false;
  const left = Math.max(0, Math.floor((flow.timer.deadline - now) / 1e6));
  return agree(CT_EXPIRES, left >= q.expires[0] && left <= q.expires[1]);
}

function conntrackMatch(revision: number): XtExtension['make'] {
  return (data, { netfilter, isV6 }) => {
    const q = readConntrack(data, revision, isV6);
    const { tracker } = netfilter;
    return new Condition(({ packet, context }) => {
      const flow = packet.conntrack as Flow | null;
      if ((q.flags & CT_STATE) !== 0) {
        let bit = stateBit(netfilter, packet, STATE_UNTRACKED);
        if (flow?.has(FLOW_SOURCE_NAT)) bit |= STATE_SNAT;
        if (flow?.has(FLOW_DESTINATION_NAT)) bit |= STATE_DNAT;
        if (((q.states & bit) !== 0) === ((q.inverted & CT_STATE) !== 0)) return false;
      }
      if (flow === null) return (q.flags & CT_STATE) !== 0;
      return tracker !== null && flowHolds(q, flow, packet.conntrackDirection, context.now);
    });
  };
}

const LIMIT_SCALE = 10000;

function makeLimit(data: DataView): RuleStep | number {
  const average = data.getUint32(0, true);
  const burst = data.getUint32(4, true);
  if (burst === 0 || average * burst >= 2 ** 32) return -ERANGE;
  const bucket = new TokenBucket(LIMIT_SCALE / average, burst);
  return new Condition(({ context }) => bucket.take(1, context.now));
}

function makeMark(data: DataView): RuleStep {
  const mark = data.getUint32(0, true);
  const mask = data.getUint32(4, true);
  const inverted = data.getUint8(8) !== 0;
  return new Condition(({ packet }) => ((packet.mark & mask) >>> 0 === mark) !== inverted);
}

function makeConnmark(data: DataView, { netfilter }: XtPlace): RuleStep {
  const mark = data.getUint32(0, true);
  const mask = data.getUint32(4, true);
  const inverted = data.getUint8(8) !== 0;
  void netfilter.tracker;
  return new Condition(({ packet }) => {
    const flow = packet.conntrack as Flow | null;
    return flow !== null && ((flow.mark & mask) >>> 0 === mark) !== inverted;
  });
}

const OWNER_UID = 1;
const OWNER_GID = 2;
const OWNER_SOCKET = 4;
const OWNER_ALL = 15;

function makeOwner(data: DataView, { netfilter }: XtPlace): RuleStep | number {
  const [uidLow, uidHigh, gidLow, gidHigh] = [0, 4, 8, 12].map((at) => data.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const wanted = data.getUint8(16);
  const inverted = data.getUint8(17);
  if ((wanted & ~OWNER_ALL) !== 0) return -EINVAL;
  const agree = (bit: number, holds: boolean): boolean =>
    (wanted & bit) === 0 || holds !== ((inverted & bit) !== 0);
  return new Condition(({ packet, context }) => {
    const socket = netfilter.ownerOf(packet, context.hook);
    // Without a socket a rule holds only where all that it asks for is turned round.
    if (socket === null) return ((wanted ^ inverted) & wanted) === 0;
    if (!agree(OWNER_SOCKET, true)) return false;
    if (!agree(OWNER_UID, socket.uid >= uidLow && socket.uid <= uidHigh)) return false;
    return agree(OWNER_GID, socket.gid >= gidLow && socket.gid <= gidHigh);
  });
}

const INVERT_SOURCE = 1;
const INVERT_DESTINATION = 2;

function addressTypeMatch(revision: number): XtExtension['make'] {
  return (data, { netfilter }) => {
    const source = data.getUint16(0, true);
    const destination = data.getUint16(2, true);
    let flags = data.getUint32(4, true);
    if (revision === 0)
      flags = (flags !== 0 ? INVERT_SOURCE : 0) | (data.getUint32(8, true) !== 0 ? INVERT_DESTINATION : 0);
    if (flags > 15 || (flags & 12) === 12) return -EINVAL;
    const holds = (address: Address, look: Evaluation, types: number, inverted: boolean): boolean => {
      const limited =
        (flags & 4) !== 0 ? look.context.inInterface : (flags & 8) !== 0 ? look.context.outInterface : 0;
      const kind = addressKind(netfilter.network, address, limited);
      return types === 0 || ((types & (1 << kind)) !== 0) !== inverted;
    };
    return new Condition(
      (look) =>
        holds(look.packet.source as Address, look, source, (flags & INVERT_SOURCE) !== 0) &&
        holds(look.packet.destination as Address, look, destination, (flags & INVERT_DESTINATION) !== 0),
    );
  };
}

function makeStatistic(data: DataView, { netfilter }: XtPlace): RuleStep | number {
  const mode = data.getUint16(0, true);
  const flags = data.getUint16(2, true);
  const first = data.getUint32(4, true);
  let count = data.getUint32(8, true);
  if (mode > 1 || (flags & ~1) !== 0) return -EINVAL;
  const inverted = flags !== 0;
  return new Condition(() => {
    if (mode === 0) return (netfilter.network.random.next32() & 0x7fffffff) < first !== inverted;
    const hit = count === first;
    count = hit ? 0 : count + 1;
    return hit !== inverted;
  });
}

const OUTWARD = (1 << HOOK_OUTPUT) | (1 << HOOK_POSTROUTING);

export const STATE_MATCHES: readonly XtExtension[] = [
  { name: 'comment', revision: 0, size: 256, make: () => new Condition(() => true) },
  { name: 'state', revision: 0, size: 4, make: makeState },
  { name: 'conntrack', revision: 1, size: 152, make: conntrackMatch(1) },
  { name: 'conntrack', revision: 2, size: 156, make: conntrackMatch(2) },
  { name: 'conntrack', revision: 3, size: 164, make: conntrackMatch(3) },
  { name: 'limit', revision: 0, size: 40, make: makeLimit },
  { name: 'mark', revision: 1, size: 12, make: makeMark },
  { name: 'connmark', revision: 1, size: 12, make: makeConnmark },
  { name: 'owner', revision: 1, size: 20, hooks: OUTWARD, make: makeOwner },
  { name: 'addrtype', revision: 0, family: 'v4', size: 12, make: addressTypeMatch(0) },
  { name: 'addrtype', revision: 1, size: 8, make: addressTypeMatch(1) },
  { name: 'statistic', revision: 0, size: 24, make: makeStatistic },
];
