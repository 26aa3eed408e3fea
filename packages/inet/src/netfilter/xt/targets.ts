// Targets that rules name: REJECT, LOG, translation, marks, tracking, TCPMSS (iptables-extensions(8)). Verdicts, jumps and the end of
// a table are in xt-rules.ts.
import { EINVAL, IPPROTO_TCP } from '@sandbox-kernel/abi';
import {
  ActionStep,
  Address,
  type Flow,
  HOOK_FORWARD,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  type NatRange,
  type RuleAction,
  type RuleStep,
  rejectReset,
  rejectUnreachable,
  STEP_NEXT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import { logLine } from '../packet-log.js';
import { Effect } from '../steps.js';
import { readInetAddress } from './header-matches.js';
import { fixedText, type XtExtension, type XtPlace } from './xt-extension.js';

const REJECT_HOOKS = (1 << HOOK_INPUT) | (1 << HOOK_FORWARD) | (1 << HOOK_OUTPUT);
const DESTINATION_HOOKS = (1 << HOOK_PREROUTING) | (1 << HOOK_OUTPUT);
const SOURCE_HOOKS = (1 << HOOK_POSTROUTING) | (1 << HOOK_INPUT);

/** ICMP codes of `enum ipt_reject_with`: -1 none, -2 a reset. */
const REJECT4: readonly number[] = [0, 1, 2, 3, -1, 9, 10, -2, 13];
/** `enum ip6t_reject_with`. */
const REJECT6: readonly number[] = [0, 1, 2, 3, 4, -1, -2, 5, 6];

export function rejectStep(netfilter: XtPlace['netfilter'], code: number): RuleStep {
  return new Effect(({ packet }) => {
    if (code === -2) rejectReset(netfilter.network, packet);
    else rejectUnreachable(netfilter.network, packet, code);
    return VERDICT_DROP;
  });
}

function makeReject(data: DataView, place: XtPlace): RuleStep | number {
  const code = (place.isV6 ? REJECT6 : REJECT4)[data.getUint32(0, true)] ?? -1;
  if (code === -1) return -EINVAL;
  if (code === -2 && (place.protocol !== IPPROTO_TCP || place.protocolInverted)) return -EINVAL;
  return rejectStep(place.netfilter, code);
}

const LOG_LEVELS = 8;
const LOG_PREFIX = 30;

function makeLog(data: DataView, { netfilter }: XtPlace): RuleStep | number {
  const level = data.getUint8(0);
  const flags = data.getUint8(1);
  if (level >= LOG_LEVELS || data.getUint8(2 + LOG_PREFIX - 1) !== 0) return -EINVAL;
  const prefix = fixedText(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 2, LOG_PREFIX);
  return new Effect(({ packet, context }) => {
    netfilter.onLog?.(logLine(netfilter, packet, context, prefix, flags));
    return STEP_NEXT;
  });
}

// ── translation ──

export const RANGE_MAP_IPS = 1;
export const RANGE_PORTS = 2;
const RANGE_RANDOM = 4 | 16;
const RANGE_KNOWN = 127;

function natRange(flags: number, first: Address, last: Address, from: number, to: number): NatRange {
  return {
    address: (flags & RANGE_MAP_IPS) !== 0 ? first : null,
    ...(first.equals(last) ? {} : { lastAddress: last }),
    ...((flags & RANGE_PORTS) !== 0 ? { ports: { from, to: Math.max(from, to) } } : {}),
    random: (flags & RANGE_RANDOM) !== 0,
  };
}

/** struct nf_nat_ipv4_multi_range_compat: one range. */
function readOldRange(data: DataView): NatRange | number {
  if (data.getUint32(0, true) !== 1) return -EINVAL;
  const flags = data.getUint32(4, true);
  const [first, last] = [Address.v4(data.getUint32(8)), Address.v4(data.getUint32(12))];
  return natRange(flags, first, last, data.getUint16(16), data.getUint16(18));
}

/** struct nf_nat_range and nf_nat_range2. */
function readRange(data: DataView, isV6: boolean): NatRange | number {
  const flags = data.getUint32(0, true);
  if ((flags & ~RANGE_KNOWN) !== 0) return -EINVAL;
  const [first, last] = [readInetAddress(data, 4, isV6), readInetAddress(data, 20, isV6)];
  return natRange(flags, first, last, data.getUint16(36), data.getUint16(38));
}

export function translation(netfilter: XtPlace['netfilter'], action: RuleAction): RuleStep {
  return new ActionStep(action, netfilter.nat);
}

function mapping(kind: 'snat' | 'dnat', old: boolean): XtExtension['make'] {
  return (data, { netfilter, isV6 }) => {
    const range = old ? readOldRange(data) : readRange(data, isV6);
    return typeof range === 'number' ? range : translation(netfilter, { kind, range });
  };
}

/** MASQUERADE and REDIRECT: the address is found out, only ports may be given. */
function ownMapping(kind: 'masquerade' | 'redirect'): XtExtension['make'] {
  return (data, { netfilter, isV6 }) => {
    const range = isV6 ? readRange(data, true) : readOldRange(data);
    if (typeof range === 'number') return range;
    if (range.address !== null) return -EINVAL;
    const { ports } = range;
    return translation(netfilter, { kind, ...(ports === undefined ? {} : { ports }) });
  };
}

// ── marks and tracking ──

function makeMark(data: DataView): RuleStep {
  const mark = data.getUint32(0, true);
  const mask = data.getUint32(4, true);
  return new Effect(({ packet }) => {
    packet.mark = ((packet.mark & ~mask) ^ mark) >>> 0;
    return STEP_NEXT;
  });
}

const CONNMARK_SET = 0;
const CONNMARK_SAVE = 1;
const CONNMARK_RESTORE = 2;

function connmark(revision: number): XtExtension['make'] {
  return (data, { netfilter }) => {
    const [value, flowMask, packetMask] = [0, 4, 8].map((at) => data.getUint32(at, true)) as [
      number,
      number,
      number,
    ];
    const mode = data.getUint8(revision === 1 ? 12 : 14);
    const left = revision === 1 || data.getUint8(12) === 0;
    const bits = revision === 1 ? 0 : data.getUint8(13) & 31;
    if (mode > CONNMARK_RESTORE) return -EINVAL;
    void netfilter.tracker;
    const shift = (mark: number): number => (left ? mark << bits : mark >>> bits) >>> 0;
    return new Effect(({ packet }) => {
      const flow = packet.conntrack as Flow | null;
      if (flow === null) return STEP_NEXT;
      if (mode === CONNMARK_SET) flow.mark = shift((flow.mark & ~flowMask) ^ value);
      else if (mode === CONNMARK_SAVE)
        flow.mark = ((flow.mark & ~flowMask) ^ (shift(packet.mark & packetMask) & -1)) >>> 0;
      else packet.mark = ((packet.mark & ~packetMask) ^ shift(flow.mark & flowMask)) >>> 0;
      return STEP_NEXT;
    });
  };
}

const CT_NOTRACK = 1;

/** CT can only leave packets untracked: there are no zones, helpers and timeouts of its own. */
function makeTracking(data: DataView, { netfilter }: XtPlace): RuleStep | number {
  if (data.byteLength > 0) {
    const flags = data.getUint16(0, true);
    const named = data.byteLength > 12 && data.getUint8(12) !== 0;
    if ((flags & ~3) !== 0 || data.getUint16(2, true) !== 0 || named) return -EINVAL;
    if ((flags & CT_NOTRACK) === 0) return new Effect(() => STEP_NEXT);
  }
  void netfilter.tracker;
  return new ActionStep({ kind: 'untracked' });
}

const CLAMP_TO_PATH = 0xffff;
const CLAMP_HOOKS = (1 << HOOK_FORWARD) | (1 << HOOK_OUTPUT) | (1 << HOOK_POSTROUTING);

function makeMss(data: DataView, place: XtPlace): RuleStep | number {
  const mss = data.getUint16(0, true);
  if (place.protocol !== IPPROTO_TCP || place.protocolInverted) return -EINVAL;
  if (mss !== CLAMP_TO_PATH) return new ActionStep({ kind: 'clamp-mss', mss });
  return (place.hooks & ~CLAMP_HOOKS) !== 0 ? -EINVAL : new ActionStep({ kind: 'clamp-mss' });
}

const NAT = ['nat'];
const FILTER = ['filter'];
const RAW = ['raw'];

export const TARGETS: readonly XtExtension[] = [
  { name: 'REJECT', revision: 0, size: 4, tables: FILTER, hooks: REJECT_HOOKS, make: makeReject },
  { name: 'LOG', revision: 0, size: 32, make: makeLog },
  {
    name: 'DNAT',
    revision: 0,
    family: 'v4',
    size: 20,
    tables: NAT,
    hooks: DESTINATION_HOOKS,
    make: mapping('dnat', true),
  },
  {
    name: 'SNAT',
    revision: 0,
    family: 'v4',
    size: 20,
    tables: NAT,
    hooks: SOURCE_HOOKS,
    make: mapping('snat', true),
  },
  {
    name: 'DNAT',
    revision: 1,
    size: 40,
    tables: NAT,
    hooks: DESTINATION_HOOKS,
    make: mapping('dnat', false),
  },
  { name: 'SNAT', revision: 1, size: 40, tables: NAT, hooks: SOURCE_HOOKS, make: mapping('snat', false) },
  {
    name: 'DNAT',
    revision: 2,
    size: 44,
    tables: NAT,
    hooks: DESTINATION_HOOKS,
    make: mapping('dnat', false),
  },
  {
    name: 'MASQUERADE',
    revision: 0,
    family: 'v4',
    size: 20,
    tables: NAT,
    hooks: 1 << HOOK_POSTROUTING,
    make: ownMapping('masquerade'),
  },
  {
    name: 'MASQUERADE',
    revision: 0,
    family: 'v6',
    size: 40,
    tables: NAT,
    hooks: 1 << HOOK_POSTROUTING,
    make: ownMapping('masquerade'),
  },
  {
    name: 'REDIRECT',
    revision: 0,
    family: 'v4',
    size: 20,
    tables: NAT,
    hooks: DESTINATION_HOOKS,
    make: ownMapping('redirect'),
  },
  {
    name: 'REDIRECT',
    revision: 0,
    family: 'v6',
    size: 40,
    tables: NAT,
    hooks: DESTINATION_HOOKS,
    make: ownMapping('redirect'),
  },
  { name: 'MARK', revision: 2, size: 8, make: makeMark },
  { name: 'CONNMARK', revision: 1, size: 16, make: connmark(1) },
  { name: 'CONNMARK', revision: 2, size: 16, make: connmark(2) },
  { name: 'NOTRACK', revision: 0, size: 0, tables: RAW, make: makeTracking },
  { name: 'CT', revision: 0, size: 40, tables: RAW, make: makeTracking },
  { name: 'CT', revision: 1, size: 72, tables: RAW, make: makeTracking },
  { name: 'CT', revision: 2, size: 72, tables: RAW, make: makeTracking },
  { name: 'TCPMSS', revision: 0, size: 2, make: makeMss },
];
