// NEWTABLE, DELTABLE, NEWCHAIN, DELCHAIN: tables, and chains that hang on hooks or are called.
import {
  EBUSY,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  EOPNOTSUPP,
  NFT_CHAIN_BINDING,
  NFT_CHAIN_HW_OFFLOAD,
  NFT_MSG_DELCHAIN,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWTABLE,
  NFT_NAME_MAXLEN,
  NFT_TABLE_F_DORMANT,
  NFTA_CHAIN_COUNTERS,
  NFTA_CHAIN_FLAGS,
  NFTA_CHAIN_HANDLE,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_ID,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_CHAIN_USERDATA,
  NFTA_COUNTER_BYTES,
  NFTA_COUNTER_PACKETS,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_HANDLE,
  NFTA_TABLE_NAME,
  NFTA_TABLE_USERDATA,
  NLM_F_EXCL,
  NLM_F_NONREC,
  NLM_F_REPLACE,
} from '@sandbox-kernel/abi';
import { Chain, HOOK_OUTPUT, HOOK_POSTROUTING, PRIORITY_CONNTRACK } from '@sandbox-kernel/netstack';
import { attributesOf, be32, be64, textOf } from './attributes.js';
import type { Batch, Change } from './batch.js';
import { type BaseHook, NftChain, NftTable } from './model.js';
import { dropRule } from './rule-changes.js';

const NFPROTO_INET = 1;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const FAMILIES = [NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6];
const HOOK_FORWARD = 2;

/** The table of a change, or -ENOENT with the attribute to blame. */
export function tableOf(batch: Batch, change: Change, type: number): NftTable | number {
  const name = textOf(change.attributes, type);
  if (name === undefined) return -EINVAL;
  return batch.tables.find(change.family, name) ?? batch.fail(-ENOENT, change, type);
}

export function newTable(batch: Batch, change: Change): number {
  const { tables } = batch;
  const { attributes, family, flags } = change;
  const name = textOf(attributes, NFTA_TABLE_NAME);
  if (name === undefined || name === '') return -EINVAL;
  if (name.length >= NFT_NAME_MAXLEN) return -ENAMETOOLONG;
  const wanted = be32(attributes, NFTA_TABLE_FLAGS);
  if ((wanted & ~NFT_TABLE_F_DORMANT) !== 0 || !FAMILIES.includes(family)) return -EOPNOTSUPP;
  const held = tables.find(family, name);
  if (held !== undefined) {
    if ((flags & NLM_F_EXCL) !== 0) return batch.fail(-EEXIST, change, NFTA_TABLE_NAME);
    if ((flags & NLM_F_REPLACE) !== 0) return -EOPNOTSUPP;
    return attributes.has(NFTA_TABLE_FLAGS) ? setDormant(batch, change, held, wanted) : 0;
  }
  const table = new NftTable(family, name, tables.takeHandle(), wanted, attributes.get(NFTA_TABLE_USERDATA));
  tables.add(table);
  batch.done(() => tables.remove(table));
  batch.tell(change, NFT_MSG_NEWTABLE, (writer) => tables.writeTable(writer, table));
  return 0;
}

function setDormant(batch: Batch, change: Change, table: NftTable, wanted: number): number {
  const before = table.flags;
  if (before === wanted) return 0;
  const apply = (flags: number): void => {
    for (const chain of table.chains.values()) batch.tables.hang(chain, false);
    table.flags = flags;
    for (const chain of table.chains.values()) batch.tables.hang(chain, true);
  };
  apply(wanted);
  batch.done(() => apply(before));
  batch.tell(change, NFT_MSG_NEWTABLE, (writer) => batch.tables.writeTable(writer, table));
  return 0;
}

/** By name or handle; without either all of the family. */
export function deleteTable(batch: Batch, change: Change): number {
  const { tables } = batch;
  const { attributes, family, flags } = change;
  const name = textOf(attributes, NFTA_TABLE_NAME);
  if (name === undefined && !attributes.has(NFTA_TABLE_HANDLE)) {
    for (const table of tables.ofFamily(family)) dropTable(batch, change, table);
    return 0;
  }
  const handle = be64(attributes, NFTA_TABLE_HANDLE);
  const table =
    name === undefined
      ? tables.ofFamily(family).find((each) => each.handle === handle)
      : tables.find(family, name);
  if (table === undefined)
    return batch.fail(-ENOENT, change, name === undefined ? NFTA_TABLE_HANDLE : NFTA_TABLE_NAME);
  if ((flags & NLM_F_NONREC) !== 0 && table.use > 0) return batch.fail(-EBUSY, change, NFTA_TABLE_NAME);
  dropTable(batch, change, table);
  return 0;
}

function dropTable(batch: Batch, change: Change, table: NftTable): void {
  const { tables } = batch;
  const within = { ...change, family: table.family };
  batch.tell(within, NFT_MSG_DELTABLE, (writer) => tables.writeTable(writer, table));
  for (const chain of table.chains.values()) tables.hang(chain, false);
  tables.remove(table);
  batch.done(() => {
    tables.add(table);
    for (const chain of table.chains.values()) tables.hang(chain, true);
  });
}

// ── chains ──

export function newChain(batch: Batch, change: Change): number {
  const table = tableOf(batch, change, NFTA_CHAIN_TABLE);
  if (typeof table === 'number') return table;
  const { attributes, flags } = change;
  const name = textOf(attributes, NFTA_CHAIN_NAME);
  const handle = be64(attributes, NFTA_CHAIN_HANDLE, -1);
  let held: NftChain | undefined;
  if (handle >= 0) {
    held = [...table.chains.values()].find((each) => each.handle === handle);
    if (held === undefined) return batch.fail(-ENOENT, change, NFTA_CHAIN_HANDLE);
  } else if (name !== undefined) held = table.chains.get(name);
  const policy = policyOf(attributes, held);
  if (policy < 0) return batch.fail(policy, change, NFTA_CHAIN_POLICY);
  if ((be32(attributes, NFTA_CHAIN_FLAGS) & NFT_CHAIN_HW_OFFLOAD) !== 0) return -EOPNOTSUPP;
  if (held === undefined) return addChain(batch, change, table, name, policy);
  if ((flags & NLM_F_EXCL) !== 0) return batch.fail(-EEXIST, change, NFTA_CHAIN_NAME);
  if ((flags & NLM_F_REPLACE) !== 0) return -EOPNOTSUPP;
  return updateChain(batch, change, held, policy, handle >= 0 ? name : undefined);
}

/** 0 drop, 1 accept, 2 not given; or -errno. */
function policyOf(attributes: Change['attributes'], held: NftChain | undefined): number {
  if (!attributes.has(NFTA_CHAIN_POLICY)) return 2;
  const policy = be32(attributes, NFTA_CHAIN_POLICY);
  if (held !== undefined ? held.base === null : !attributes.has(NFTA_CHAIN_HOOK)) return -EOPNOTSUPP;
  return policy > 1 ? -EINVAL : policy;
}

function addChain(
  batch: Batch,
  change: Change,
  table: NftTable,
  named: string | undefined,
  policy: number,
): number {
  const { attributes } = change;
  const { tables } = batch;
  const flags = be32(attributes, NFTA_CHAIN_FLAGS);
  const base = attributes.has(NFTA_CHAIN_HOOK) ? parseHook(attributes, table) : null;
  if (typeof base === 'number') return base === -ENOENT ? batch.fail(base, change, NFTA_CHAIN_TYPE) : base;
  if (named === undefined && (flags & NFT_CHAIN_BINDING) === 0) return -EINVAL;
  const handle = table.takeHandle();
  const name = named ?? `__chain${handle}`;
  if (name.length >= NFT_NAME_MAXLEN) return -ENAMETOOLONG;
  const engine = new Chain({
    network: tables.netfilter.network,
    name,
    priority: base?.priority ?? 0,
    policy: policy === 0 ? 'drop' : 'accept',
    ...(table.family === NFPROTO_INET ? {} : { family: table.family === NFPROTO_IPV4 ? 'v4' : 'v6' }),
  });
  const chain = new NftChain(table, name, handle, base, engine, flags, attributes.get(NFTA_CHAIN_USERDATA));
  count(chain, attributes);
  table.chains.set(name, chain);
  tables.hang(chain, true);
  if (attributes.has(NFTA_CHAIN_ID)) batch.nameChain(be32(attributes, NFTA_CHAIN_ID), chain);
  batch.done(() => {
    tables.hang(chain, false);
    table.chains.delete(name);
  });
  batch.tell(change, NFT_MSG_NEWCHAIN, (writer) => tables.writeChain(writer, chain));
  return 0;
}

/** iptables keeps the counters of policies. */
function count(chain: NftChain, attributes: Change['attributes']): void {
  const given = attributes.get(NFTA_CHAIN_COUNTERS);
  if (given === undefined || chain.base === null) return;
  const values = attributesOf(given);
  chain.counted = chain.engine.policyCounter;
  chain.counted.packets = be64(values, NFTA_COUNTER_PACKETS);
  chain.counted.bytes = be64(values, NFTA_COUNTER_BYTES);
}

const TYPES = ['filter', 'nat', 'route'];

/** NFTA_CHAIN_HOOK and NFTA_CHAIN_TYPE; or -errno. */
function parseHook(attributes: Change['attributes'], _table: NftTable): BaseHook | number {
  const given = attributesOf(attributes.get(NFTA_CHAIN_HOOK));
  if (!given.has(NFTA_HOOK_HOOKNUM) || !given.has(NFTA_HOOK_PRIORITY)) return -EINVAL;
  const hook = be32(given, NFTA_HOOK_HOOKNUM);
  const priority = be32(given, NFTA_HOOK_PRIORITY) | 0;
  const type = textOf(attributes, NFTA_CHAIN_TYPE) ?? 'filter';
  if (!TYPES.includes(type)) return -ENOENT;
  if (hook > HOOK_POSTROUTING) return -EOPNOTSUPP;
  if (type === 'nat' && (hook === HOOK_FORWARD || priority <= PRIORITY_CONNTRACK)) return -EOPNOTSUPP;
  if (type === 'route' && hook !== HOOK_OUTPUT) return -EOPNOTSUPP;
  return { hook, priority, type };
}

function updateChain(
  batch: Batch,
  change: Change,
  chain: NftChain,
  policy: number,
  renamed: string | undefined,
): number {
  const { attributes } = change;
  if (attributes.has(NFTA_CHAIN_HOOK)) {
    const base = parseHook(attributes, chain.table);
    if (typeof base === 'number') return base;
    const { base: held } = chain;
    const same = held?.hook === base.hook && held.priority === base.priority && held.type === base.type;
    if (!same) return batch.fail(-EEXIST, change, NFTA_CHAIN_NAME);
  }
  if (renamed !== undefined && renamed !== chain.name) {
    const { table, name } = chain;
    if (table.chains.has(renamed)) return batch.fail(-EEXIST, change, NFTA_CHAIN_NAME);
    rename(table, chain, renamed);
    batch.done(() => rename(table, chain, name));
  }
  const before = chain.engine.policy;
  if (policy !== 2) {
    chain.engine.policy = policy === 0 ? 'drop' : 'accept';
    batch.done(() => {
      chain.engine.policy = before;
    });
  }
  count(chain, attributes);
  batch.tell(change, NFT_MSG_NEWCHAIN, (writer) => batch.tables.writeChain(writer, chain));
  return 0;
}

function rename(table: NftTable, chain: NftChain, name: string): void {
  table.chains.delete(chain.name);
  chain.name = name;
  table.chains.set(name, chain);
}

export function deleteChain(batch: Batch, change: Change): number {
  const table = tableOf(batch, change, NFTA_CHAIN_TABLE);
  if (typeof table === 'number') return table;
  const { attributes, flags } = change;
  const handle = be64(attributes, NFTA_CHAIN_HANDLE, -1);
  const name = textOf(attributes, NFTA_CHAIN_NAME);
  const blamed = handle >= 0 ? NFTA_CHAIN_HANDLE : NFTA_CHAIN_NAME;
  const chain =
    handle >= 0
      ? [...table.chains.values()].find((each) => each.handle === handle)
      : table.chains.get(name ?? '');
  if (chain === undefined) return batch.fail(-ENOENT, change, blamed);
  if ((flags & NLM_F_NONREC) !== 0 && chain.rules.length + chain.use > 0)
    return batch.fail(-EBUSY, change, blamed);
  for (const rule of [...chain.rules]) dropRule(batch, change, chain, rule);
  if (chain.use > 0) return batch.fail(-EBUSY, change, blamed);
  batch.tell(change, NFT_MSG_DELCHAIN, (writer) => batch.tables.writeChain(writer, chain));
  batch.tables.hang(chain, false);
  table.chains.delete(chain.name);
  batch.done(() => {
    table.chains.set(chain.name, chain);
    batch.tables.hang(chain, true);
  });
  return 0;
}
