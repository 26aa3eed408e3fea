// Expressions that fill registers: immediate, payload, meta, ct, fib, numgen (nft(8), nf_tables.h).
import {
  EINVAL,
  EOPNOTSUPP,
  ETH_P_IP,
  ETH_P_IPV6,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_META_CPU,
  NFT_META_IIF,
  NFT_META_IIFNAME,
  NFT_META_IIFTYPE,
  NFT_META_L4PROTO,
  NFT_META_LEN,
  NFT_META_MARK,
  NFT_META_NFPROTO,
  NFT_META_NFTRACE,
  NFT_META_OIF,
  NFT_META_OIFNAME,
  NFT_META_OIFTYPE,
  NFT_META_PKTTYPE,
  NFT_META_PRANDOM,
  NFT_META_PRIORITY,
  NFT_META_PROTOCOL,
  NFT_META_SKGID,
  NFT_META_SKUID,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG_VERDICT,
  NFTA_DATA_VERDICT,
  NFTA_FIB_DREG,
  NFTA_FIB_FLAGS,
  NFTA_FIB_RESULT,
  NFTA_IMMEDIATE_DATA,
  NFTA_IMMEDIATE_DREG,
  NFTA_META_DREG,
  NFTA_META_KEY,
  NFTA_META_SREG,
  NFTA_NG_DREG,
  NFTA_NG_MODULUS,
  NFTA_NG_OFFSET,
  NFTA_NG_TYPE,
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_DREG,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_PAYLOAD_SREG,
} from '@sandbox-kernel/abi';
import { type Address, type Evaluation, STEP_BREAK, STEP_NEXT } from '@sandbox-kernel/netstack';
import { addressKind } from '../address-kind.js';
import type { Netfilter } from '../netfilter.js';
import { isLaterFragment, lengthOf } from '../packet-fields.js';
import { Effect } from '../steps.js';
import { attributesOf, be32, write32, writeAll, writeNest } from './attributes.js';
import { dataValue, type ExpressionMaker, registerOf } from './context.js';
import { giveVerdict, parseVerdict, writeVerdict } from './verdict.js';

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const NAME_SIZE = 16;

export const makeImmediate: ExpressionMaker = (attributes, { table, names }) => {
  if (!attributes.has(NFTA_IMMEDIATE_DREG) || !attributes.has(NFTA_IMMEDIATE_DATA)) return -EINVAL;
  const data = attributesOf(attributes.get(NFTA_IMMEDIATE_DATA));
  if (be32(attributes, NFTA_IMMEDIATE_DREG) === NFT_REG_VERDICT) {
    const bytes = data.get(NFTA_DATA_VERDICT);
    const verdict = bytes === undefined ? -EINVAL : parseVerdict(bytes, table, names);
    if (typeof verdict === 'number') return verdict;
    const { chain } = verdict;
    return {
      name: 'immediate',
      step: new Effect((look) => giveVerdict(look, verdict)),
      write: (writer) => {
        write32(writer, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        writeNest(writer, NFTA_IMMEDIATE_DATA, () => writeVerdict(writer, verdict));
      },
      ...(chain === null ? {} : { uses: [chain], leadsTo: () => [chain] }),
    };
  }
  const value = dataValue(attributes, NFTA_IMMEDIATE_DATA);
  if (value === null) return -EINVAL;
  const to = registerOf(attributes, NFTA_IMMEDIATE_DREG, value.length);
  if (to < 0) return to;
  return {
    name: 'immediate',
    step: new Effect((look) => {
      look.registers.set(value, to);
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

export const makePayload: ExpressionMaker = (attributes) => {
  if (attributes.has(NFTA_PAYLOAD_SREG)) return -EOPNOTSUPP;
  const base = be32(attributes, NFTA_PAYLOAD_BASE);
  const offset = be32(attributes, NFTA_PAYLOAD_OFFSET);
  const length = be32(attributes, NFTA_PAYLOAD_LEN);
  const to = registerOf(attributes, NFTA_PAYLOAD_DREG, length);
  if (to < 0) return to;
  if (base > NFT_PAYLOAD_TRANSPORT_HEADER || offset > 0xffff) return -EOPNOTSUPP;
  return {
    name: 'payload',
    step: new Effect(({ packet, registers }) => {
      const network = base === NFT_PAYLOAD_NETWORK_HEADER;
      // There is no link header at these hooks, and none of a transport in a later fragment.
      if (!network && (base !== NFT_PAYLOAD_TRANSPORT_HEADER || isLaterFragment(packet))) return STEP_BREAK;
      const at = (network ? packet.networkOffset : packet.transportOffset) + offset;
      if (at + length > packet.end) return STEP_BREAK;
      clearTail(registers, to, length);
      for (let i = 0; i < length; i++) registers[to + i] = packet.bytes[at + i] as number;
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

/** What is left of the last word of a register is zero. */
export function clearTail(registers: Uint8Array, at: number, length: number): void {
  const tail = at + (length & ~3);
  if ((length & 3) !== 0) registers.fill(0, tail, tail + 4);
}

// ── meta ──

/** Bytes of each key that can be asked for. */
const META_SIZES: Readonly<Record<number, number>> = {
  [NFT_META_LEN]: 4,
  [NFT_META_PROTOCOL]: 2,
  [NFT_META_PRIORITY]: 4,
  [NFT_META_MARK]: 4,
  [NFT_META_IIF]: 4,
  [NFT_META_OIF]: 4,
  [NFT_META_IIFNAME]: NAME_SIZE,
  [NFT_META_OIFNAME]: NAME_SIZE,
  [NFT_META_IIFTYPE]: 2,
  [NFT_META_OIFTYPE]: 2,
  [NFT_META_SKUID]: 4,
  [NFT_META_SKGID]: 4,
  [NFT_META_NFPROTO]: 1,
  [NFT_META_L4PROTO]: 1,
  [NFT_META_PKTTYPE]: 1,
  [NFT_META_CPU]: 4,
  [NFT_META_PRANDOM]: 4,
};

export const makeMeta: ExpressionMaker = (attributes, { netfilter }) => {
  const key = be32(attributes, NFTA_META_KEY, -1);
  if (attributes.has(NFTA_META_SREG)) return setMeta(attributes, key);
  const size = META_SIZES[key];
  if (size === undefined) return -EOPNOTSUPP;
  const to = registerOf(attributes, NFTA_META_DREG, size);
  if (to < 0) return to;
  return {
    name: 'meta',
    step: new Effect((look) => {
      clearTail(look.registers, to, size);
      return loadMeta(netfilter, look, key, to) ? STEP_NEXT : STEP_BREAK;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

/** False when the packet has no such thing. */
function loadMeta(netfilter: Netfilter, look: Evaluation, key: number, to: number): boolean {
  const { packet, context, view, registers } = look;
  const { isV4 } = packet.destination as Address;
  switch (key) {
    case NFT_META_PROTOCOL:
      view.setUint16(to, isV4 ? ETH_P_IP : ETH_P_IPV6);
      return true;
    case NFT_META_NFPROTO:
      registers[to] = isV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
      return true;
    case NFT_META_L4PROTO:
      registers[to] = packet.protocol;
      return true;
    case NFT_META_PKTTYPE:
      registers[to] = (packet.destination as Address).isMulticast ? 2 : 0;
      return true;
    case NFT_META_IIF:
    case NFT_META_IIFNAME:
    case NFT_META_IIFTYPE:
      return loadInterface(netfilter, look, context.inInterface, key - NFT_META_IIF, to);
    case NFT_META_OIF:
    case NFT_META_OIFNAME:
      return loadInterface(netfilter, look, context.outInterface, key - NFT_META_OIF, to);
    case NFT_META_OIFTYPE:
      return loadInterface(netfilter, look, context.outInterface, NFT_META_IIFTYPE - NFT_META_IIF, to);
    default:
      return loadNumber(netfilter, look, key, to);
  }
}

function loadNumber(netfilter: Netfilter, look: Evaluation, key: number, to: number): boolean {
  const { packet, context, view } = look;
  if (key === NFT_META_SKUID || key === NFT_META_SKGID) {
    const socket = netfilter.ownerOf(packet, context.hook);
    if (socket === null) return false;
    view.setUint32(to, key === NFT_META_SKUID ? socket.uid : socket.gid, true);
    return true;
  }
  let value = 0;
  if (key === NFT_META_LEN) value = lengthOf(packet);
  else if (key === NFT_META_MARK) value = packet.mark;
  else if (key === NFT_META_PRIORITY) value = packet.priority;
  else if (key === NFT_META_PRANDOM) value = netfilter.network.random.next32();
  view.setUint32(to, value, true);
  return true;
}

function loadInterface(
  netfilter: Netfilter,
  look: Evaluation,
  index: number,
  what: number,
  to: number,
): boolean {
  const iface = index === 0 ? null : netfilter.network.interfaceByIndex(index);
  if (iface === null && what === 0) look.view.setUint32(to, 0, true);
  if (what === 0) {
    look.view.setUint32(to, index, true);
    return true;
  }
  if (iface === null) return false;
  if (what === NFT_META_IIFNAME - NFT_META_IIF) {
    look.registers.fill(0, to, to + NAME_SIZE);
    for (let i = 0; i < Math.min(iface.name.length, NAME_SIZE - 1); i++)
      look.registers[to + i] = iface.name.charCodeAt(i);
  } else look.view.setUint16(to, iface.isLoopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER, true);
  return true;
}

function setMeta(attributes: Parameters<ExpressionMaker>[0], key: number): ReturnType<ExpressionMaker> {
  const from = registerOf(attributes, NFTA_META_SREG, key === NFT_META_NFTRACE ? 1 : 4);
  if (from < 0) return from;
  if (key !== NFT_META_MARK && key !== NFT_META_PRIORITY && key !== NFT_META_NFTRACE) return -EOPNOTSUPP;
  return {
    name: 'meta',
    step: new Effect(({ packet, view }) => {
      if (key === NFT_META_MARK) packet.mark = view.getUint32(from, true);
      else if (key === NFT_META_PRIORITY) packet.priority = view.getUint32(from, true);
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
}

// ── fib, numgen ──

const FIB_SOURCE = 1;
const FIB_IIF = 8;
const FIB_OIF = 16;

export const makeFib: ExpressionMaker = (attributes, { netfilter }) => {
  const flags = be32(attributes, NFTA_FIB_FLAGS);
  const to = registerOf(attributes, NFTA_FIB_DREG, 4);
  if (to < 0) return to;
  if (be32(attributes, NFTA_FIB_RESULT) !== NFT_FIB_RESULT_ADDRTYPE) return -EOPNOTSUPP;
  return {
    name: 'fib',
    step: new Effect(({ packet, context, view }) => {
      const address = ((flags & FIB_SOURCE) !== 0 ? packet.source : packet.destination) as Address;
      const bound =
        (flags & FIB_IIF) !== 0 ? context.inInterface : (flags & FIB_OIF) !== 0 ? context.outInterface : 0;
      view.setUint32(to, addressKind(netfilter.network, address, bound), true);
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

export const makeNumgen: ExpressionMaker = (attributes, { netfilter }) => {
  const modulus = be32(attributes, NFTA_NG_MODULUS);
  const offset = be32(attributes, NFTA_NG_OFFSET);
  const random = be32(attributes, NFTA_NG_TYPE) === 1;
  const to = registerOf(attributes, NFTA_NG_DREG, 4);
  if (to < 0) return to;
  if (modulus === 0 || be32(attributes, NFTA_NG_TYPE) > 1) return -EINVAL;
  let next = 0;
  return {
    name: 'numgen',
    step: new Effect(({ view }) => {
      const value = random ? netfilter.network.random.next32() % modulus : next++ % modulus;
      view.setUint32(to, value + offset, true);
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};
