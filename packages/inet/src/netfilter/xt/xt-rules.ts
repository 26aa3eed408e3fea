// From a checked blob to rules of the engine: every entry becomes one rule of one list, and chains are places in that list.
import {
  EINVAL,
  IP6T_F_PROTO,
  IP6T_F_TOS,
  IP6T_INV_TOS,
  IPT_F_FRAG,
  IPT_INV_DSTIP,
  IPT_INV_FRAG,
  IPT_INV_SRCIP,
  IPT_INV_VIA_IN,
  IPT_INV_VIA_OUT,
  XT_INV_PROTO,
} from '@sandbox-kernel/abi';
import {
  ActionStep,
  type Address,
  Chain,
  Counter,
  type Evaluation,
  Rule,
  type RuleStep,
  STEP_NEXT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import type { Netfilter } from '../netfilter.js';
import { isLaterFragment } from '../packet-fields.js';
import { Condition, Effect } from '../steps.js';
import { HEADER_MATCHES, readInetAddress } from './header-matches.js';
import { STATE_MATCHES } from './state-matches.js';
import { TARGETS } from './targets.js';
import { type EntryShape, ERROR_NAME, type XtBlob, type XtEntry, type XtPart } from './xt-blob.js';
import { type XtPlace, XtRegistry } from './xt-extension.js';

export const XT_MATCHES = new XtRegistry([...HEADER_MATCHES, ...STATE_MATCHES]);
export const XT_TARGETS = new XtRegistry(TARGETS);

const IFNAME = 16;
const VERDICT_ACCEPT = -2;
const XT_RETURN = -5;

/** What the rules of a table belong to. */
export interface XtContext {
  readonly netfilter: Netfilter;
  readonly table: string;
}

export interface XtProgram {
  readonly rules: readonly Rule[];
  /** The chain that begins at an entry. */
  chain(index: number): Chain;
}

/** The rules of a blob, or -errno of the first match or target that is unknown or used wrongly. */
export function buildRules(blob: XtBlob, context: XtContext): XtProgram | number {
  const { netfilter, table } = context;
  const rules: Rule[] = [];
  const chains = new Map<number, Chain>();
  const nat = table === 'nat' ? { nat: netfilter.nat } : {};
  const chain = (index: number): Chain => {
    let found = chains.get(index);
    if (found === undefined) {
      found = new Chain({ network: netfilter.network, name: `${table}+${index}`, first: index, ...nat });
      found.rules = rules;
      chains.set(index, found);
    }
    return found;
  };
  for (const entry of blob.entries) {
    const rule = buildRule(blob, entry, context, chain);
    if (typeof rule === 'number') return rule;
    rules.push(rule);
  }
  return { rules, chain };
}

function buildRule(
  blob: XtBlob,
  entry: XtEntry,
  context: XtContext,
  chain: (index: number) => Chain,
): Rule | number {
  const { isV6 } = blob.shape;
  const place: XtPlace = {
    ...context,
    isV6,
    hooks: entry.hooks,
    protocol: entry.protocol,
    protocolInverted: (entry.inverted & XT_INV_PROTO) !== 0,
  };
  const counter = counterOf(blob, entry);
  const steps: RuleStep[] = entry.unconditional ? [] : [headerStep(blob, entry, context.netfilter)];
  for (const part of entry.matches) {
    const step = makePart(XT_MATCHES, part, place);
    if (typeof step === 'number') return step;
    steps.push(step);
  }
  const target = targetStep(blob, entry, place, chain);
  if (typeof target === 'number') return target;
  steps.push(counter, target);
  return new Rule(steps, counter);
}

function counterOf({ bytes }: XtBlob, { counters }: XtEntry): Counter {
  const view = new DataView(bytes.buffer, bytes.byteOffset + counters, 16);
  const read = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  return new Counter(read(0), read(8));
}

export function makePart(registry: XtRegistry, part: XtPart, place: XtPlace): RuleStep | number {
  const extension = registry.find(part.name, part.revision, place.isV6);
  return typeof extension === 'number' ? extension : registry.make(extension, part.data, place);
}

function targetStep(
  blob: XtBlob,
  entry: XtEntry,
  place: XtPlace,
  chain: (index: number) => Chain,
): RuleStep | number {
  const { verdict, target } = entry;
  if (verdict === null) {
    if (target.name === ERROR_NAME) return new Effect(() => VERDICT_DROP);
    return makePart(XT_TARGETS, target, place);
  }
  if (verdict === entry.next) return new Effect(() => STEP_NEXT);
  if (verdict === VERDICT_ACCEPT) return new ActionStep({ kind: 'accept' });
  if (verdict === XT_RETURN) return new ActionStep({ kind: 'return' });
  // Nobody listens to queues here, as on a host without a listener.
  if (verdict < 0) return new ActionStep({ kind: 'drop' });
  const index = blob.at.get(verdict);
  // An entry that no hook leads to was not looked at before.
  if (index === undefined) return entry.hooks === 0 ? new ActionStep({ kind: 'drop' }) : -EINVAL;
  return new ActionStep({ kind: entry.isGoto ? 'goto' : 'jump', chain: chain(index) });
}

// ── struct ipt_ip, struct ip6t_ip6 ──

type Test = (look: Evaluation) => boolean;

function headerStep(blob: XtBlob, entry: XtEntry, netfilter: Netfilter): RuleStep {
  const { shape, bytes } = blob;
  const view = new DataView(bytes.buffer, bytes.byteOffset + entry.offset, shape.size);
  const tests = [
    ...addressTests(view, entry, shape),
    ...interfaceTests(view, entry, shape, netfilter),
    ...protocolTests(view, entry, shape),
  ];
  return new Condition((look) => tests.every((test) => test(look)));
}

function isUnder(address: Address, value: Address, mask: Address): boolean {
  return (
    (((address.w0 & mask.w0) ^ value.w0) |
      ((address.w1 & mask.w1) ^ value.w1) |
      ((address.w2 & mask.w2) ^ value.w2) |
      ((address.w3 & mask.w3) ^ value.w3)) ===
    0
  );
}

function addressTests(view: DataView, entry: XtEntry, { isV6 }: EntryShape): Test[] {
  const width = isV6 ? 16 : 4;
  const [source, destination, sourceMask, mask] = [0, 1, 2, 3].map((i) =>
    readInetAddress(view, i * width, isV6),
  ) as [Address, Address, Address, Address];
  const notSource = (entry.inverted & IPT_INV_SRCIP) !== 0;
  const notDestination = (entry.inverted & IPT_INV_DSTIP) !== 0;
  const tests: Test[] = [];
  if (!source.isUnspecified || !sourceMask.isUnspecified || notSource)
    tests.push(({ packet }) => isUnder(packet.source as Address, source, sourceMask) !== notSource);
  if (!destination.isUnspecified || !mask.isUnspecified || notDestination)
    tests.push(({ packet }) => isUnder(packet.destination as Address, destination, mask) !== notDestination);
  return tests;
}

function interfaceTests(
  view: DataView,
  entry: XtEntry,
  { interfaces: at }: EntryShape,
  netfilter: Netfilter,
): Test[] {
  const bytesAt = (offset: number): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset + offset, IFNAME);
  const test = (name: Uint8Array, mask: Uint8Array, inverted: boolean, incoming: boolean): Test[] => {
    if (!inverted && mask.every((byte) => byte === 0)) return [];
    return [
      ({ context }) => {
        const index = incoming ? context.inInterface : context.outInterface;
        return nameHolds(netfilter.interfaceName(index), name, mask) !== inverted;
      },
    ];
  };
  return [
    ...test(bytesAt(at), bytesAt(at + 2 * IFNAME), (entry.inverted & IPT_INV_VIA_IN) !== 0, true),
    ...test(bytesAt(at + IFNAME), bytesAt(at + 3 * IFNAME), (entry.inverted & IPT_INV_VIA_OUT) !== 0, false),
  ];
}

/** Compares where the mask has bits, as `eth+` is written. */
export function nameHolds(held: string, name: Uint8Array, mask: Uint8Array): boolean {
  for (let i = 0; i < IFNAME; i++) {
    const letter = i < held.length ? held.charCodeAt(i) : 0;
    if (((letter ^ (name[i] as number)) & (mask[i] as number)) !== 0) return false;
  }
  return true;
}

function protocolTests(view: DataView, entry: XtEntry, shape: EntryShape): Test[] {
  const flags = view.getUint8(shape.flags);
  const { protocol, inverted } = entry;
  const not = (inverted & XT_INV_PROTO) !== 0;
  const tests: Test[] = [];
  if (shape.isV6 ? (flags & IP6T_F_PROTO) !== 0 && protocol !== 0 : protocol !== 0)
    tests.push(({ packet }) => (packet.protocol === protocol) !== not);
  if (shape.isV6) {
    const tos = view.getUint8(130);
    if ((flags & IP6T_F_TOS) !== 0)
      tests.push(({ packet }) => (packet.tos === tos) !== ((inverted & IP6T_INV_TOS) !== 0));
  } else if ((flags & IPT_F_FRAG) !== 0 || (inverted & IPT_INV_FRAG) !== 0) {
    const notFragment = (inverted & IPT_INV_FRAG) !== 0;
    tests.push(({ packet }) => (flags & IPT_F_FRAG) === 0 || isLaterFragment(packet) !== notFragment);
  }
  return tests;
}
