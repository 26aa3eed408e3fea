// Expressions that compute with registers and decide: cmp, range, bitwise, byteorder, lookup, counter, limit, quota.
import {
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  EOVERFLOW,
  NFT_BITWISE_LSHIFT,
  NFT_BITWISE_MASK_XOR,
  NFT_BITWISE_RSHIFT,
  NFT_CMP_EQ,
  NFT_CMP_GT,
  NFT_CMP_GTE,
  NFT_CMP_LT,
  NFT_CMP_LTE,
  NFT_CMP_NEQ,
  NFT_LIMIT_PKT_BYTES,
  NFT_SET_MAP,
  NFTA_BITWISE_DATA,
  NFTA_BITWISE_DREG,
  NFTA_BITWISE_LEN,
  NFTA_BITWISE_MASK,
  NFTA_BITWISE_OP,
  NFTA_BITWISE_SREG,
  NFTA_BITWISE_XOR,
  NFTA_BYTEORDER_DREG,
  NFTA_BYTEORDER_LEN,
  NFTA_BYTEORDER_SIZE,
  NFTA_BYTEORDER_SREG,
  NFTA_CMP_DATA,
  NFTA_CMP_OP,
  NFTA_CMP_SREG,
  NFTA_COUNTER_BYTES,
  NFTA_COUNTER_PACKETS,
  NFTA_LIMIT_BURST,
  NFTA_LIMIT_FLAGS,
  NFTA_LIMIT_RATE,
  NFTA_LIMIT_TYPE,
  NFTA_LIMIT_UNIT,
  NFTA_LOOKUP_DREG,
  NFTA_LOOKUP_FLAGS,
  NFTA_LOOKUP_SET,
  NFTA_LOOKUP_SET_ID,
  NFTA_LOOKUP_SREG,
  NFTA_QUOTA_BYTES,
  NFTA_QUOTA_CONSUMED,
  NFTA_QUOTA_FLAGS,
  NFTA_RANGE_FROM_DATA,
  NFTA_RANGE_OP,
  NFTA_RANGE_SREG,
  NFTA_RANGE_TO_DATA,
} from '@sandbox-kernel/abi';
import { Counter, type Evaluation, STEP_BREAK, STEP_NEXT } from '@sandbox-kernel/netstack';
import { lengthOf } from '../packet-fields.js';
import { Condition, Effect } from '../steps.js';
import { TokenBucket } from '../token-bucket.js';
import { type Attributes, be32, be64, textOf, write32, write64, writeAll } from './attributes.js';
import { type BatchNames, dataValue, type ExpressionMaker, registerOf } from './context.js';
import type { Expression, NftChain, NftTable } from './model.js';
import { compareRange, type NftSet } from './set.js';
import { giveVerdict } from './verdict.js';

function holds(op: number, difference: number): boolean {
  switch (op) {
    case NFT_CMP_EQ:
      return difference === 0;
    case NFT_CMP_NEQ:
      return difference !== 0;
    case NFT_CMP_LT:
      return difference < 0;
    case NFT_CMP_LTE:
      return difference <= 0;
    case NFT_CMP_GT:
      return difference > 0;
    default:
      return difference >= 0;
  }
}

export const makeCmp: ExpressionMaker = (attributes) => {
  const value = dataValue(attributes, NFTA_CMP_DATA);
  const op = be32(attributes, NFTA_CMP_OP, NFT_CMP_GTE + 1);
  if (value === null || op > NFT_CMP_GTE) return -EINVAL;
  const from = registerOf(attributes, NFTA_CMP_SREG, value.length);
  if (from < 0) return from;
  return {
    name: 'cmp',
    step: new Condition(({ registers }) => holds(op, compareRange(registers, from, value, 0, value.length))),
    write: (writer) => writeAll(writer, attributes),
  };
};

export const makeRange: ExpressionMaker = (attributes) => {
  const low = dataValue(attributes, NFTA_RANGE_FROM_DATA);
  const high = dataValue(attributes, NFTA_RANGE_TO_DATA);
  const op = be32(attributes, NFTA_RANGE_OP, 2);
  if (low === null || high === null || low.length !== high.length || op > 1) return -EINVAL;
  const from = registerOf(attributes, NFTA_RANGE_SREG, low.length);
  if (from < 0) return from;
  return {
    name: 'range',
    step: new Condition(({ registers }) => {
      const inside =
        compareRange(registers, from, low, 0, low.length) >= 0 &&
        compareRange(registers, from, high, 0, high.length) <= 0;
      return inside === (op === 0);
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

// ── arithmetic ──

export const makeBitwise: ExpressionMaker = (attributes) => {
  const length = be32(attributes, NFTA_BITWISE_LEN);
  const op = be32(attributes, NFTA_BITWISE_OP, NFT_BITWISE_MASK_XOR);
  const from = registerOf(attributes, NFTA_BITWISE_SREG, length);
  const to = registerOf(attributes, NFTA_BITWISE_DREG, length);
  if (from < 0 || to < 0) return Math.min(from, to);
  const write = (writer: Parameters<typeof writeAll>[0]): void => writeAll(writer, attributes);
  if (op === NFT_BITWISE_MASK_XOR) {
    const mask = dataValue(attributes, NFTA_BITWISE_MASK);
    const xor = dataValue(attributes, NFTA_BITWISE_XOR);
    if (mask?.length !== length || xor?.length !== length) return -EINVAL;
    const step = new Effect(({ registers }) => {
      for (let i = 0; i < length; i++)
        registers[to + i] = ((registers[from + i] as number) & (mask[i] as number)) ^ (xor[i] as number);
      return STEP_NEXT;
    });
    return { name: 'bitwise', step, write };
  }
  if (op !== NFT_BITWISE_LSHIFT && op !== NFT_BITWISE_RSHIFT) return -EOPNOTSUPP;
  const data = dataValue(attributes, NFTA_BITWISE_DATA);
  if (data?.length !== 4) return -EINVAL;
  const bits = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  if (bits >= 32) return -EINVAL;
  const step = new Effect((look) =>
    shift(look, from, to, (length + 3) >>> 2, bits, op === NFT_BITWISE_LSHIFT),
  );
  return { name: 'bitwise', step, write };
};

/** Words of the host's order, the first the most significant. */
function shift(
  { view }: Evaluation,
  from: number,
  to: number,
  words: number,
  bits: number,
  left: boolean,
): number {
  let carry = 0;
  for (let n = 0; n < words; n++) {
    const i = left ? words - 1 - n : n;
    if (Math.max(from, to) + i * 4 + 4 > view.byteLength) continue;
    const word = view.getUint32(from + i * 4, true);
    const over = bits === 0 ? 0 : left ? word >>> (32 - bits) : word << (32 - bits);
    view.setUint32(to + i * 4, (left ? word << bits : word >>> bits) | carry, true);
    carry = over;
  }
  return STEP_NEXT;
}

export const makeByteorder: ExpressionMaker = (attributes) => {
  const size = be32(attributes, NFTA_BYTEORDER_SIZE);
  const length = be32(attributes, NFTA_BYTEORDER_LEN);
  if (size !== 2 && size !== 4 && size !== 8) return -EINVAL;
  const from = registerOf(attributes, NFTA_BYTEORDER_SREG, length);
  const to = registerOf(attributes, NFTA_BYTEORDER_DREG, length);
  if (from < 0 || to < 0) return Math.min(from, to);
  return {
    name: 'byteorder',
    step: new Effect(({ registers }) => {
      for (let at = 0; at + size <= length; at += size) {
        const part = registers.slice(from + at, from + at + size).reverse();
        registers.set(part, to + at);
      }
      return STEP_NEXT;
    }),
    write: (writer) => writeAll(writer, attributes),
  };
};

// ── sets ──

/** By the number that the batch gave it, or by name; -ENOENT. */
export function findSet(
  attributes: Attributes,
  name: number,
  id: number,
  table: NftTable,
  names: BatchNames,
): NftSet | number {
  const byId = attributes.has(id) ? names.setOfId(be32(attributes, id)) : undefined;
  const called = textOf(attributes, name);
  const byName = called === undefined ? undefined : table.sets.get(called);
  return byName ?? byId ?? -ENOENT;
}

export const makeLookup: ExpressionMaker = (attributes, { table, names }) => {
  const set = findSet(attributes, NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, table, names);
  if (typeof set === 'number') return set;
  const flags = be32(attributes, NFTA_LOOKUP_FLAGS);
  const from = registerOf(attributes, NFTA_LOOKUP_SREG, set.options.keyLength);
  if (from < 0) return from;
  if ((flags & ~1) !== 0) return -EINVAL;
  const inverted = flags !== 0;
  const mapped = attributes.has(NFTA_LOOKUP_DREG);
  const toVerdict = mapped && be32(attributes, NFTA_LOOKUP_DREG) === 0;
  if (mapped && (inverted || (set.options.flags & NFT_SET_MAP) === 0)) return -EINVAL;
  const to = mapped && !toVerdict ? registerOf(attributes, NFTA_LOOKUP_DREG, set.options.dataLength) : 0;
  if (to < 0) return to;
  const step = new Effect((look) => {
    const found = set.lookup(look.registers, from, look.context.now);
    if ((found === null) !== inverted) return STEP_BREAK;
    if (found === null) return STEP_NEXT;
    if (found.data !== null && mapped) look.registers.set(found.data, to);
    for (const { step: each } of found.expressions) {
      const verdict = each.evaluate(look);
      if (verdict !== STEP_NEXT) return verdict;
    }
    return toVerdict && found.verdict !== null ? giveVerdict(look, found.verdict) : STEP_NEXT;
  });
  return {
    name: 'lookup',
    step,
    write: (writer) => {
      writer.attributeText(NFTA_LOOKUP_SET, set.name);
      for (const type of [NFTA_LOOKUP_SREG, NFTA_LOOKUP_DREG])
        if (attributes.has(type)) write32(writer, type, be32(attributes, type));
      write32(writer, NFTA_LOOKUP_FLAGS, flags);
    },
    uses: [set],
    leadsTo: () => chainsOf(set),
  };
};

function chainsOf(set: NftSet): NftChain[] {
  return [...set.elements.values()].flatMap(({ verdict }) => verdict?.chain ?? []);
}

// ── what remembers ──

export const makeCounter: ExpressionMaker = (attributes) => {
  const counter = new Counter(be64(attributes, NFTA_COUNTER_PACKETS), be64(attributes, NFTA_COUNTER_BYTES));
  return counterExpression(counter);
};

export interface CounterExpression extends Expression {
  readonly counter: Counter;
}

export function counterExpression(counter: Counter): CounterExpression {
  return {
    name: 'counter',
    counter,
    step: counter,
    write: (writer) => {
      write64(writer, NFTA_COUNTER_BYTES, counter.bytes);
      write64(writer, NFTA_COUNTER_PACKETS, counter.packets);
    },
  };
}

const DEFAULT_BURST = 5;

export const makeLimit: ExpressionMaker = (attributes) => {
  const rate = be64(attributes, NFTA_LIMIT_RATE);
  const unit = be64(attributes, NFTA_LIMIT_UNIT);
  const bytes = be32(attributes, NFTA_LIMIT_TYPE) === NFT_LIMIT_PKT_BYTES;
  const asked = be32(attributes, NFTA_LIMIT_BURST);
  const flags = be32(attributes, NFTA_LIMIT_FLAGS);
  if (rate === 0 || unit === 0 || (flags & ~1) !== 0) return -EINVAL;
  if (unit > 2 ** 53 / 1e9) return -EOVERFLOW;
  const burst = bytes ? rate + asked : asked === 0 ? DEFAULT_BURST : asked;
  const bucket = new TokenBucket(rate / unit, burst);
  return {
    name: 'limit',
    step: new Condition(
      ({ packet, context }) => bucket.take(bytes ? lengthOf(packet) : 1, context.now) !== (flags !== 0),
    ),
    write: (writer) => {
      writeAll(
        writer,
        [...attributes].filter(([type]) => type !== NFTA_LIMIT_BURST),
      );
      write32(writer, NFTA_LIMIT_BURST, !bytes && asked === 0 ? DEFAULT_BURST : asked);
    },
  };
};

export const makeQuota: ExpressionMaker = (attributes) => {
  const limit = be64(attributes, NFTA_QUOTA_BYTES);
  const flags = be32(attributes, NFTA_QUOTA_FLAGS);
  let consumed = be64(attributes, NFTA_QUOTA_CONSUMED);
  if ((flags & ~1) !== 0 || !attributes.has(NFTA_QUOTA_BYTES)) return -EINVAL;
  return {
    name: 'quota',
    step: new Condition(({ packet }) => {
      consumed += lengthOf(packet);
      return consumed > limit === (flags !== 0);
    }),
    write: (writer) => {
      write64(writer, NFTA_QUOTA_BYTES, limit);
      write64(writer, NFTA_QUOTA_CONSUMED, Math.min(consumed, limit));
      write32(writer, NFTA_QUOTA_FLAGS, flags);
    },
  };
};
