// NEWRULE and DELRULE: adding, inserting, replacing and deleting rules of a chain.
import {
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
  EOPNOTSUPP,
  NFT_MSG_DELRULE,
  NFT_MSG_NEWRULE,
  NFT_RULE_COMPAT_F_INV,
  NFT_SET_ANONYMOUS,
  NFTA_RULE_CHAIN,
  NFTA_RULE_CHAIN_ID,
  NFTA_RULE_COMPAT,
  NFTA_RULE_COMPAT_FLAGS,
  NFTA_RULE_COMPAT_PROTO,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_HANDLE,
  NFTA_RULE_ID,
  NFTA_RULE_POSITION,
  NFTA_RULE_POSITION_ID,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from '@sandbox-kernel/abi';
import { Rule } from '@sandbox-kernel/netstack';
import { attributesOf, be32, be64, textOf } from './attributes.js';
import type { Batch, Change } from './batch.js';
import { makeExpressions } from './expressions.js';
import { type NftChain, NftRule, type NftTable } from './model.js';
import { NftSet } from './set.js';

/** Rules of more are an attack on memory. */
const MOST_RULES = 1 << 16;

function chainOf(batch: Batch, change: Change, table: NftTable): NftChain | number | null {
  const { attributes } = change;
  if (attributes.has(NFTA_RULE_CHAIN)) {
    const chain = table.chains.get(textOf(attributes, NFTA_RULE_CHAIN) as string);
    return chain ?? batch.fail(-ENOENT, change, NFTA_RULE_CHAIN);
  }
  if (!attributes.has(NFTA_RULE_CHAIN_ID)) return null;
  return (
    batch.chainOfId(be32(attributes, NFTA_RULE_CHAIN_ID)) ?? batch.fail(-ENOENT, change, NFTA_RULE_CHAIN_ID)
  );
}

function tableOf(batch: Batch, change: Change): NftTable | number {
  const name = textOf(change.attributes, NFTA_RULE_TABLE);
  if (name === undefined) return -EINVAL;
  return batch.tables.find(change.family, name) ?? batch.fail(-ENOENT, change, NFTA_RULE_TABLE);
}

/** Where the new rule goes: its index, and the rule whose place it takes. */
interface Place {
  readonly at: number;
  readonly replaced: NftRule | null;
}

function placeOf(batch: Batch, change: Change, chain: NftChain): Place | number {
  const { attributes, flags } = change;
  const { rules } = chain;
  const index = (type: number): number => {
    const handle = be64(attributes, type);
    return rules.findIndex((rule) => rule.handle === handle);
  };
  if (attributes.has(NFTA_RULE_HANDLE)) {
    const at = index(NFTA_RULE_HANDLE);
    if (at < 0) return batch.fail(-ENOENT, change, NFTA_RULE_HANDLE);
    if ((flags & NLM_F_EXCL) !== 0) return batch.fail(-EEXIST, change, NFTA_RULE_HANDLE);
    return (flags & NLM_F_REPLACE) !== 0 ? { at, replaced: rules[at] as NftRule } : -EOPNOTSUPP;
  }
  if ((flags & NLM_F_CREATE) === 0 || (flags & NLM_F_REPLACE) !== 0) return -EINVAL;
  const append = (flags & NLM_F_APPEND) !== 0;
  let at = -1;
  if (attributes.has(NFTA_RULE_POSITION)) {
    at = index(NFTA_RULE_POSITION);
    if (at < 0) return batch.fail(-ENOENT, change, NFTA_RULE_POSITION);
  } else if (attributes.has(NFTA_RULE_POSITION_ID)) {
    const id = be32(attributes, NFTA_RULE_POSITION_ID);
    at = rules.findIndex((rule) => rule.id === id);
    if (at < 0) return batch.fail(-ENOENT, change, NFTA_RULE_POSITION_ID);
  }
  if (at < 0) return { at: append ? rules.length : 0, replaced: null };
  return { at: append ? at + 1 : at, replaced: null };
}

export function newRule(batch: Batch, change: Change): number {
  const { attributes } = change;
  const table = tableOf(batch, change);
  if (typeof table === 'number') return table;
  const chain = chainOf(batch, change, table);
  if (chain === null) return -EINVAL;
  if (typeof chain === 'number') return chain;
  const place = placeOf(batch, change, chain);
  if (typeof place === 'number') return place;
  const compat = attributesOf(attributes.get(NFTA_RULE_COMPAT));
  const expressions = makeExpressions(attributes.get(NFTA_RULE_EXPRESSIONS), {
    netfilter: batch.tables.netfilter,
    table,
    chain,
    names: batch,
    protocol: be32(compat, NFTA_RULE_COMPAT_PROTO),
    protocolInverted: (be32(compat, NFTA_RULE_COMPAT_FLAGS) & NFT_RULE_COMPAT_F_INV) !== 0,
  });
  if (typeof expressions === 'number') return expressions;
  if (chain.rules.length >= MOST_RULES) return -ENOMEM;
  const rule = new NftRule(
    table.takeHandle(),
    be32(attributes, NFTA_RULE_ID, -1),
    expressions,
    attributes.get(NFTA_RULE_USERDATA),
    new Rule(expressions.map(({ step }) => step)),
  );
  if (place.replaced !== null) dropRule(batch, change, chain, place.replaced);
  setRules(batch, chain, [...chain.rules.slice(0, place.at), rule, ...chain.rules.slice(place.at)]);
  hold(batch, rule, 1);
  const leads = expressions.some(({ leadsTo }) => (leadsTo?.().length ?? 0) > 0);
  const loop = leads ? batch.checkCalls(table) : 0;
  if (loop < 0) return loop;
  batch.tell(change, NFT_MSG_NEWRULE, (writer) => batch.tables.writeRule(writer, chain, rule));
  return 0;
}

function setRules(batch: Batch, chain: NftChain, rules: NftRule[]): void {
  const before = chain.rules;
  chain.rules = rules;
  batch.dirty.add(chain);
  batch.done(() => {
    chain.rules = before;
  });
}

function hold(batch: Batch, rule: NftRule, by: 1 | -1): void {
  rule.hold(by);
  batch.done(() => rule.hold(by === 1 ? -1 : 1));
}

/** Takes a rule out of its chain, and with it the sets that were made for it alone. */
export function dropRule(batch: Batch, change: Change, chain: NftChain, rule: NftRule): void {
  batch.tell(change, NFT_MSG_DELRULE, (writer) => batch.tables.writeRule(writer, chain, rule));
  setRules(
    batch,
    chain,
    chain.rules.filter((other) => other !== rule),
  );
  hold(batch, rule, -1);
  const { sets } = chain.table;
  for (const used of rule.expressions.flatMap(({ uses }) => uses ?? [])) {
    if (!(used instanceof NftSet) || used.use > 0 || (used.options.flags & NFT_SET_ANONYMOUS) === 0) continue;
    for (const element of used.elements.values())
      if (element.verdict?.chain != null) element.verdict.chain.use--;
    sets.delete(used.name);
    batch.done(() => {
      sets.set(used.name, used);
      for (const element of used.elements.values())
        if (element.verdict?.chain != null) element.verdict.chain.use++;
    });
  }
}

/** One rule by handle or number, all of a chain, or all of a table. */
export function deleteRule(batch: Batch, change: Change): number {
  const { attributes } = change;
  const table = tableOf(batch, change);
  if (typeof table === 'number') return table;
  const chain = chainOf(batch, change, table);
  if (typeof chain === 'number') return chain;
  if (chain === null) {
    for (const each of table.chains.values())
      for (const rule of [...each.rules]) dropRule(batch, change, each, rule);
    return 0;
  }
  let doomed = [...chain.rules];
  if (attributes.has(NFTA_RULE_HANDLE)) {
    const handle = be64(attributes, NFTA_RULE_HANDLE);
    doomed = doomed.filter((rule) => rule.handle === handle);
    if (doomed.length === 0) return batch.fail(-ENOENT, change, NFTA_RULE_HANDLE);
  } else if (attributes.has(NFTA_RULE_ID)) {
    const id = be32(attributes, NFTA_RULE_ID);
    doomed = doomed.filter((rule) => rule.id === id);
    if (doomed.length === 0) return batch.fail(-ENOENT, change, NFTA_RULE_ID);
  }
  for (const rule of doomed) dropRule(batch, change, chain, rule);
  return 0;
}
