// Expressions that do something: nat, masq, redir, reject, log, notrack, objref, dynset, and iptables' matches and targets.
import {
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  NFT_DYNSET_OP_DELETE,
  NFT_DYNSET_OP_UPDATE,
  NFT_NAT_SNAT,
  NFT_REJECT_ICMP_UNREACH,
  NFT_REJECT_ICMPX_UNREACH,
  NFT_REJECT_TCP_RST,
  NFTA_DYNSET_FLAGS,
  NFTA_DYNSET_OP,
  NFTA_DYNSET_SET_ID,
  NFTA_DYNSET_SET_NAME,
  NFTA_DYNSET_SREG_DATA,
  NFTA_DYNSET_SREG_KEY,
  NFTA_DYNSET_TIMEOUT,
  NFTA_LOG_PREFIX,
  NFTA_MASQ_REG_PROTO_MAX,
  NFTA_MASQ_REG_PROTO_MIN,
  NFTA_MATCH_INFO,
  NFTA_MATCH_NAME,
  NFTA_MATCH_REV,
  NFTA_NAT_FAMILY,
  NFTA_NAT_FLAGS,
  NFTA_NAT_REG_ADDR_MAX,
  NFTA_NAT_REG_ADDR_MIN,
  NFTA_NAT_REG_PROTO_MAX,
  NFTA_NAT_REG_PROTO_MIN,
  NFTA_NAT_TYPE,
  NFTA_OBJREF_IMM_NAME,
  NFTA_OBJREF_IMM_TYPE,
  NFTA_OBJREF_SET_ID,
  NFTA_OBJREF_SET_NAME,
  NFTA_OBJREF_SET_SREG,
  NFTA_REDIR_REG_PROTO_MAX,
  NFTA_REDIR_REG_PROTO_MIN,
  NFTA_REJECT_ICMP_CODE,
  NFTA_REJECT_TYPE,
} from '@sandbox-kernel/abi';
import {
  ActionStep,
  type Address,
  type Evaluation,
  type NatRange,
  ownAddress,
  type RuleStep,
  rejectReset,
  rejectUnreachable,
  STEP_BREAK,
  STEP_NEXT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import { logLine } from '../packet-log.js';
import { Effect } from '../steps.js';
import { readInetAddress } from '../xt/header-matches.js';
import { alignXt, type XtRegistry } from '../xt/xt-extension.js';
import { XT_MATCHES, XT_TARGETS } from '../xt/xt-rules.js';
import { be32, be64, textOf, write32, writeAll } from './attributes.js';
import { type ExpressionContext, type ExpressionMaker, optionalRegister, registerOf } from './context.js';
import { objectKey } from './model.js';
import { findSet } from './tests.js';

const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const RANGE_RANDOM = 4 | 16;

// ── translation ──

/** Translation belongs to chains of type nat; chains that those jump to are looked at when they are reached. */
function mayTranslate({ chain }: ExpressionContext): boolean {
  return chain === null || chain.base === null || chain.base.type === 'nat';
}

function portsFrom(look: Evaluation, low: number | null, high: number | null): Pick<NatRange, 'ports'> {
  if (low === null) return {};
  const from = look.view.getUint16(low);
  const to = high === null ? from : look.view.getUint16(high);
  return { ports: { from, to: Math.max(from, to) } };
}

function negative(...values: readonly (number | null)[]): number {
  return Math.min(0, ...values.map((value) => value ?? 0));
}

export const makeNat: ExpressionMaker = (attributes, context) => {
  const { netfilter } = context;
  const type = be32(attributes, NFTA_NAT_TYPE, 2);
  const family = be32(attributes, NFTA_NAT_FAMILY);
  if (type > 1 || (family !== NFPROTO_IPV4 && family !== NFPROTO_IPV6)) return type > 1 ? -EINVAL : -EINVAL;
  if (!mayTranslate(context)) return -EOPNOTSUPP;
  const isV6 = family === NFPROTO_IPV6;
  const size = isV6 ? 16 : 4;
  const low = optionalRegister(attributes, NFTA_NAT_REG_ADDR_MIN, size);
  const high = optionalRegister(attributes, NFTA_NAT_REG_ADDR_MAX, size);
  const first = optionalRegister(attributes, NFTA_NAT_REG_PROTO_MIN, 2);
  const last = optionalRegister(attributes, NFTA_NAT_REG_PROTO_MAX, 2);
  const wrong = negative(low, high, first, last);
  if (wrong < 0) return wrong;
  const random = (be32(attributes, NFTA_NAT_FLAGS) & RANGE_RANDOM) !== 0;
  const { nat } = netfilter;
  const step = new Effect((look) => {
    const { packet, view } = look;
    if ((packet.destination as Address).isV4 === isV6) return STEP_BREAK;
    const address = low === null ? null : readInetAddress(view, low, isV6);
    const end = high === null ? address : readInetAddress(view, high, isV6);
    return nat.setUp(packet, type === NFT_NAT_SNAT, {
      address,
      ...(end === null || address === null || end.equals(address) ? {} : { lastAddress: end }),
      ...portsFrom(look, first, last),
      random,
    });
  });
  return { name: 'nat', step, write: (writer) => writeAll(writer, attributes) };
};

function ownTranslation(name: 'masq' | 'redir', min: number, max: number): ExpressionMaker {
  return (attributes, context) => {
    const { netfilter } = context;
    if (!mayTranslate(context)) return -EOPNOTSUPP;
    const first = optionalRegister(attributes, min, 2);
    const last = optionalRegister(attributes, max, 2);
    const wrong = negative(first, last);
    if (wrong < 0) return wrong;
    const { nat, network } = netfilter;
    const isSource = name === 'masq';
    const step = new Effect((look) => {
      const address = ownAddress(network, isSource, look.packet, look.context);
      if (address === null) return VERDICT_DROP;
      return nat.setUp(look.packet, isSource, { address, ...portsFrom(look, first, last) });
    });
    return { name, step, write: (writer) => writeAll(writer, attributes) };
  };
}

export const makeMasq = ownTranslation('masq', NFTA_MASQ_REG_PROTO_MIN, NFTA_MASQ_REG_PROTO_MAX);
export const makeRedir = ownTranslation('redir', NFTA_REDIR_REG_PROTO_MIN, NFTA_REDIR_REG_PROTO_MAX);

// ── reject, log, notrack ──

/** NFT_REJECT_ICMPX_* as codes of each family. */
const ICMPX4: readonly number[] = [0, 3, 1, 13];
const ICMPX6: readonly number[] = [0, 4, 3, 1];

export const makeReject: ExpressionMaker = (attributes, { netfilter, chain }) => {
  const type = be32(attributes, NFTA_REJECT_TYPE, 3);
  const code = attributes.get(NFTA_REJECT_ICMP_CODE)?.[0];
  if (type > NFT_REJECT_ICMPX_UNREACH || (type !== NFT_REJECT_TCP_RST && code === undefined)) return -EINVAL;
  if (type === NFT_REJECT_ICMPX_UNREACH && (code as number) >= ICMPX4.length) return -EINVAL;
  if (chain?.base?.type === 'nat') return -EOPNOTSUPP;
  const { network } = netfilter;
  const step = new Effect(({ packet }) => {
    const codes = (packet.destination as Address).isV4 ? ICMPX4 : ICMPX6;
    if (type === NFT_REJECT_TCP_RST) rejectReset(network, packet);
    else if (type === NFT_REJECT_ICMP_UNREACH) rejectUnreachable(network, packet, code as number);
    else rejectUnreachable(network, packet, codes[code as number] as number);
    return VERDICT_DROP;
  });
  return { name: 'reject', step, write: (writer) => writeAll(writer, attributes) };
};

export const makeLog: ExpressionMaker = (attributes, { netfilter }) => {
  const prefix = textOf(attributes, NFTA_LOG_PREFIX) ?? '';
  if (prefix.length > 127) return -EINVAL;
  const step = new Effect(({ packet, context }) => {
    netfilter.onLog?.(logLine(netfilter, packet, context, prefix, 0));
    return STEP_NEXT;
  });
  return { name: 'log', step, write: (writer) => writeAll(writer, attributes) };
};

export const makeNotrack: ExpressionMaker = (_attributes, { netfilter }) => {
  void netfilter.tracker;
  return { name: 'notrack', step: new ActionStep({ kind: 'untracked' }), write: () => undefined };
};

// ── objects and sets ──

export const makeObjref: ExpressionMaker = (attributes, { table, names }) => {
  const write = (writer: Parameters<typeof writeAll>[0]): void => writeAll(writer, attributes);
  if (attributes.has(NFTA_OBJREF_IMM_NAME)) {
    const type = be32(attributes, NFTA_OBJREF_IMM_TYPE);
    const object = table.objects.get(objectKey(type, textOf(attributes, NFTA_OBJREF_IMM_NAME) as string));
    if (object === undefined) return -ENOENT;
    return { name: 'objref', step: object.expression.step, write, uses: [object] };
  }
  const set = findSet(attributes, NFTA_OBJREF_SET_NAME, NFTA_OBJREF_SET_ID, table, names);
  if (typeof set === 'number') return set;
  const from = registerOf(attributes, NFTA_OBJREF_SET_SREG, set.options.keyLength);
  if (from < 0) return from;
  const step = new Effect((look) => {
    const object = set.lookup(look.registers, from, look.context.now)?.object;
    return object == null ? STEP_BREAK : object.expression.step.evaluate(look);
  });
  const writeSet = (writer: Parameters<typeof writeAll>[0]): void => {
    write32(writer, NFTA_OBJREF_SET_SREG, be32(attributes, NFTA_OBJREF_SET_SREG));
    writer.attributeText(NFTA_OBJREF_SET_NAME, set.name);
  };
  return { name: 'objref', step, write: writeSet, uses: [set] };
};

export const makeDynset: ExpressionMaker = (attributes, { table, names }) => {
  const set = findSet(attributes, NFTA_DYNSET_SET_NAME, NFTA_DYNSET_SET_ID, table, names);
  if (typeof set === 'number') return set;
  const op = be32(attributes, NFTA_DYNSET_OP);
  const key = registerOf(attributes, NFTA_DYNSET_SREG_KEY, set.options.keyLength);
  const data = optionalRegister(attributes, NFTA_DYNSET_SREG_DATA, set.options.dataLength);
  if (negative(key, data) < 0) return negative(key, data);
  if (op > NFT_DYNSET_OP_DELETE || set.isRange || be32(attributes, NFTA_DYNSET_FLAGS) !== 0)
    return -EOPNOTSUPP;
  const timeout = be64(attributes, NFTA_DYNSET_TIMEOUT) * 1000 || set.options.timeout;
  const step = new Effect(({ registers, context }) => {
    const element = {
      key: registers.slice(key, key + set.options.keyLength),
      keyEnd: null,
      isEnd: false,
      isCatchall: false,
      data: data === null ? null : registers.slice(data, data + set.options.dataLength),
      verdict: null,
      object: null,
      userdata: undefined,
      expressions: [],
      timeout,
      expires: timeout === 0 ? 0 : context.now + timeout,
    };
    const held = set.find(element);
    if (op === NFT_DYNSET_OP_DELETE) {
      if (held !== null) set.drop(held);
      return STEP_NEXT;
    }
    const stale = held !== null && held.expires !== 0 && held.expires <= context.now;
    if (held === null || stale) {
      if (stale) set.drop(held);
      return set.add(element, false) < 0 ? STEP_BREAK : STEP_NEXT;
    }
    if (op === NFT_DYNSET_OP_UPDATE) held.expires = element.expires;
    return STEP_NEXT;
  });
  return {
    name: 'dynset',
    step,
    write: (writer) => {
      writer.attributeText(NFTA_DYNSET_SET_NAME, set.name);
      writeAll(
        writer,
        [...attributes].filter(([type]) => type !== NFTA_DYNSET_SET_NAME && type !== NFTA_DYNSET_SET_ID),
      );
    },
    uses: [set],
  };
};

// ── what iptables(8) of the newer kind sends ──

/** NFTA_MATCH_* and NFTA_TARGET_* have the same numbers. */
function compatible(name: 'match' | 'target', registry: XtRegistry): ExpressionMaker {
  return (attributes, context) => {
    const called = textOf(attributes, NFTA_MATCH_NAME);
    const info = attributes.get(NFTA_MATCH_INFO);
    if (called === undefined || info === undefined || !attributes.has(NFTA_MATCH_REV)) return -EINVAL;
    const { netfilter, table, chain } = context;
    const extension = registry.find(called, be32(attributes, NFTA_MATCH_REV), table.family === NFPROTO_IPV6);
    if (typeof extension === 'number') return -ENOENT;
    const data = new Uint8Array(alignXt(info.length));
    data.set(info);
    const step: RuleStep | number = registry.make(extension, new DataView(data.buffer), {
      netfilter,
      isV6: table.family === NFPROTO_IPV6,
      table: chain?.base?.type === 'nat' ? 'nat' : table.name,
      hooks: chain?.base == null ? 0 : 1 << chain.base.hook,
      protocol: context.protocol,
      protocolInverted: context.protocolInverted,
    });
    return typeof step === 'number' ? step : { name, step, write: (writer) => writeAll(writer, attributes) };
  };
}

export const makeMatch = compatible('match', XT_MATCHES);
export const makeTarget = compatible('target', XT_TARGETS);
