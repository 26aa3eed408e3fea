// The ct expression: what is known of the packet's flow, and setting its mark.
import {
  EINVAL,
  EOPNOTSUPP,
  NFT_CT_BYTES,
  NFT_CT_DIRECTION,
  NFT_CT_DST,
  NFT_CT_DST_IP,
  NFT_CT_DST_IP6,
  NFT_CT_EXPIRATION,
  NFT_CT_L3PROTOCOL,
  NFT_CT_MARK,
  NFT_CT_PKTS,
  NFT_CT_PROTO_DST,
  NFT_CT_PROTO_SRC,
  NFT_CT_PROTOCOL,
  NFT_CT_SRC,
  NFT_CT_SRC_IP,
  NFT_CT_SRC_IP6,
  NFT_CT_STATE,
  NFT_CT_STATUS,
  NFTA_CT_DIRECTION,
  NFTA_CT_DREG,
  NFTA_CT_KEY,
  NFTA_CT_SREG,
} from '@sandbox-kernel/abi';
import {
  type Conntrack,
  CT_ESTABLISHED,
  CT_NEW,
  CT_RELATED,
  CT_UNTRACKED,
  type Evaluation,
  type Flow,
  STEP_BREAK,
  STEP_NEXT,
} from '@sandbox-kernel/netstack';
import { Effect } from '../steps.js';
import { flowStatus } from '../xt/state-matches.js';
import { be32, writeAll } from './attributes.js';
import { type ExpressionMaker, registerOf } from './context.js';
import { clearTail } from './loads.js';

const NFPROTO_INET = 1;
const NFPROTO_IPV4 = 2;

/** Bytes of each key; addresses depend on the family. */
function sizeOf(key: number, family: number): number {
  switch (key) {
    case NFT_CT_STATE:
    case NFT_CT_STATUS:
    case NFT_CT_MARK:
    case NFT_CT_EXPIRATION:
    case NFT_CT_SRC_IP:
    case NFT_CT_DST_IP:
      return 4;
    case NFT_CT_DIRECTION:
    case NFT_CT_L3PROTOCOL:
    case NFT_CT_PROTOCOL:
      return 1;
    case NFT_CT_PROTO_SRC:
    case NFT_CT_PROTO_DST:
      return 2;
    case NFT_CT_PKTS:
    case NFT_CT_BYTES:
      return 8;
    case NFT_CT_SRC_IP6:
    case NFT_CT_DST_IP6:
      return 16;
    case NFT_CT_SRC:
    case NFT_CT_DST:
      return family === NFPROTO_INET ? 16 : family === NFPROTO_IPV4 ? 4 : 16;
    default:
      return 0;
  }
}

const DIRECTED = [
  NFT_CT_SRC,
  NFT_CT_DST,
  NFT_CT_PROTO_SRC,
  NFT_CT_PROTO_DST,
  NFT_CT_SRC_IP,
  NFT_CT_DST_IP,
  NFT_CT_SRC_IP6,
  NFT_CT_DST_IP6,
];

export const makeCt: ExpressionMaker = (attributes, { netfilter, table }) => {
  const key = be32(attributes, NFTA_CT_KEY, -1);
  const write = (writer: Parameters<typeof writeAll>[0]): void => writeAll(writer, attributes);
  if (attributes.has(NFTA_CT_SREG)) {
    const from = registerOf(attributes, NFTA_CT_SREG, 4);
    if (from < 0) return from;
    if (key !== NFT_CT_MARK) return -EOPNOTSUPP;
    void netfilter.tracker;
    const step = new Effect(({ packet, view }) => {
      const flow = packet.conntrack as Flow | null;
      if (flow !== null) flow.mark = view.getUint32(from, true);
      return STEP_NEXT;
    });
    return { name: 'ct', step, write };
  }
  const size = sizeOf(key, table.family);
  if (size === 0) return -EOPNOTSUPP;
  const direction = attributes.get(NFTA_CT_DIRECTION)?.[0] ?? 0;
  if (direction > 1 || (DIRECTED.includes(key) && !attributes.has(NFTA_CT_DIRECTION))) return -EINVAL;
  const to = registerOf(attributes, NFTA_CT_DREG, size);
  if (to < 0) return to;
  const { tracker } = netfilter;
  const both = !attributes.has(NFTA_CT_DIRECTION);
  const step = new Effect((look) => {
    clearTail(look.registers, to, size);
    if (key === NFT_CT_STATE) {
      look.view.setUint32(to, stateOf(tracker, look), true);
      return STEP_NEXT;
    }
    const flow = look.packet.conntrack as Flow | null;
    return flow !== null && load(look, flow, key, direction, both, to) ? STEP_NEXT : STEP_BREAK;
  });
  return { name: 'ct', step, write };
};

/** NF_CT_STATE_*: bits as nft(8) names them. */
function stateOf(tracker: Conntrack, { packet }: Evaluation): number {
  switch (tracker.stateOf(packet)) {
    case CT_ESTABLISHED:
      return 2;
    case CT_RELATED:
      return 4;
    case CT_NEW:
      return 8;
    case CT_UNTRACKED:
      return 64;
    default:
      return 1;
  }
}

function load(
  look: Evaluation,
  flow: Flow,
  key: number,
  direction: number,
  both: boolean,
  to: number,
): boolean {
  const { view, registers, packet, context } = look;
  const tuple = flow.tuple(direction);
  switch (key) {
    case NFT_CT_DIRECTION:
      registers[to] = packet.conntrackDirection;
      return true;
    case NFT_CT_STATUS:
      view.setUint32(to, flowStatus(flow), true);
      return true;
    case NFT_CT_MARK:
      view.setUint32(to, flow.mark, true);
      return true;
    case NFT_CT_EXPIRATION:
      view.setUint32(to, Math.max(0, Math.floor((flow.timer.deadline - context.now) / 1000)), true);
      return true;
    case NFT_CT_L3PROTOCOL:
      registers[to] = tuple.source.isV4 ? 2 : 10;
      return true;
    case NFT_CT_PROTOCOL:
      registers[to] = flow.protocol;
      return true;
    case NFT_CT_PROTO_SRC:
      view.setUint16(to, tuple.sourcePort);
      return true;
    case NFT_CT_PROTO_DST:
      view.setUint16(to, tuple.destinationPort);
      return true;
    case NFT_CT_PKTS:
      put64(view, to, total(flow.originalPackets, flow.replyPackets, direction, both));
      return true;
    case NFT_CT_BYTES:
      put64(view, to, total(flow.originalBytes, flow.replyBytes, direction, both));
      return true;
    default: {
      const isSource = key === NFT_CT_SRC || key === NFT_CT_SRC_IP || key === NFT_CT_SRC_IP6;
      const address = isSource ? tuple.source : tuple.destination;
      if ((key === NFT_CT_SRC_IP || key === NFT_CT_DST_IP) && !address.isV4) return false;
      if ((key === NFT_CT_SRC_IP6 || key === NFT_CT_DST_IP6) && address.isV4) return false;
      address.write(view, to);
      return true;
    }
  }
}

function total(original: number, reply: number, direction: number, both: boolean): number {
  if (both) return original + reply;
  return direction === 0 ? original : reply;
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
