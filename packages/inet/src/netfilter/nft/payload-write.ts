// The payload expression with a source register: `ip ttl set`, `tcp dport set` and their like write into headers and mend checksums.
import {
  EINVAL,
  EOPNOTSUPP,
  IPPROTO_TCP,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_CSUM_NONE,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_CSUM_FLAGS,
  NFTA_PAYLOAD_CSUM_OFFSET,
  NFTA_PAYLOAD_CSUM_TYPE,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_PAYLOAD_SREG,
} from '@sandbox-kernel/abi';
import {
  type Address,
  type PacketBuffer,
  rewriteBytes,
  STEP_BREAK,
  STEP_NEXT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import type { Netfilter } from '../netfilter.js';
import { isLaterFragment } from '../packet-fields.js';
import { Effect } from '../steps.js';
import { be32, writeAll } from './attributes.js';
import { type ExpressionMaker, registerOf } from './context.js';

export const makePayloadWrite: ExpressionMaker = (attributes, { netfilter }) => {
  const base = be32(attributes, NFTA_PAYLOAD_BASE);
  const offset = be32(attributes, NFTA_PAYLOAD_OFFSET);
  const length = be32(attributes, NFTA_PAYLOAD_LEN);
  const kind = be32(attributes, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE);
  const sumOffset = be32(attributes, NFTA_PAYLOAD_CSUM_OFFSET);
  const flags = be32(attributes, NFTA_PAYLOAD_CSUM_FLAGS);
  const from = registerOf(attributes, NFTA_PAYLOAD_SREG, length);
  if (from < 0) return from;
  const network = base === NFT_PAYLOAD_NETWORK_HEADER;
  if (!network && base !== NFT_PAYLOAD_TRANSPORT_HEADER) return -EOPNOTSUPP;
  if (kind > NFT_PAYLOAD_CSUM_INET) return -EOPNOTSUPP;
  if ((flags & ~NFT_PAYLOAD_L4CSUM_PSEUDOHDR) !== 0 || offset > 0xffff || sumOffset > 0xffff) return -EINVAL;
  // A sum is over words, so what it covers begins with one.
  if ((kind !== NFT_PAYLOAD_CSUM_NONE || flags !== 0) && (offset & 1) !== 0) return -EOPNOTSUPP;
  return {
    name: 'payload',
    step: new Effect(({ packet, registers }) => {
      if (!network && isLaterFragment(packet)) return STEP_BREAK;
      const header = network ? packet.networkOffset : packet.transportOffset;
      const at = header + offset;
      const limit = network ? packet.transportOffset : packet.end;
      if (at + length > limit) return STEP_BREAK;
      if (!keepsShape(packet, network, offset, registers, from, length)) return VERDICT_DROP;
      const field = kind === NFT_PAYLOAD_CSUM_NONE ? -1 : header + sumOffset;
      rewriteBytes(packet, at, registers, from, length, field, flags !== 0);
      if (network) readAgain(netfilter, packet);
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

/** Bytes that say how long headers and packet are, and what follows: they stay as they are, or the packet is dropped. */
const SHAPE4: readonly number[] = [0, 2, 3, 6, 7, 9];
const SHAPE6: readonly number[] = [4, 5, 6];
const SHAPE_TCP: readonly number[] = [12];
const SHAPE_UDP: readonly number[] = [4, 5];

function keepsShape(
  packet: PacketBuffer,
  network: boolean,
  offset: number,
  registers: Uint8Array,
  from: number,
  length: number,
): boolean {
  const { isV4 } = packet.destination as Address;
  const fixed = network ? (isV4 ? SHAPE4 : SHAPE6) : packet.protocol === IPPROTO_TCP ? SHAPE_TCP : SHAPE_UDP;
  const at = (network ? packet.networkOffset : packet.transportOffset) + offset;
  for (let i = 0; i < length; i++) {
    const change = (packet.bytes[at + i] as number) ^ (registers[from + i] as number);
    if (change !== 0 && fixed.includes(offset + i)) return false;
    if (network && !isV4 && offset + i === 0 && (change & 0xf0) !== 0) return false;
  }
  return true;
}

/** What the packet's handle knows of its header. The version and the length of the header stay what they were. */
function readAgain({ network }: Netfilter, packet: PacketBuffer): void {
  const { view, networkOffset: at } = packet;
  if ((packet.destination as Address).isV4) {
    packet.tos = view.getUint8(at + 1);
    packet.ttl = view.getUint8(at + 8);
    packet.source = network.addresses.readV4(view, at + 12);
    packet.destination = network.addresses.readV4(view, at + 16);
    return;
  }
  packet.tos = (view.getUint32(at) >>> 20) & 0xff;
  packet.ttl = view.getUint8(at + 7);
  packet.source = network.addresses.readV6(view, at + 8);
  packet.destination = network.addresses.readV6(view, at + 24);
}
