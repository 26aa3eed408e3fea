// GET requests of nf_tables: lists of everything of a kind, and single things by name or handle.
import {
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG_GETCHAIN,
  NFT_MSG_GETFLOWTABLE,
  NFT_MSG_GETGEN,
  NFT_MSG_GETOBJ,
  NFT_MSG_GETOBJ_RESET,
  NFT_MSG_GETRULE,
  NFT_MSG_GETSET,
  NFT_MSG_GETSETELEM,
  NFT_MSG_GETTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWGEN,
  NFT_MSG_NEWOBJ,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_TABLE,
  NFTA_GEN_ID,
  NFTA_GEN_PROC_NAME,
  NFTA_GEN_PROC_PID,
  NFTA_OBJ_NAME,
  NFTA_OBJ_TABLE,
  NFTA_OBJ_TYPE,
  NFTA_RULE_CHAIN,
  NFTA_RULE_HANDLE,
  NFTA_RULE_TABLE,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_TABLE_NAME,
  NLM_F_APPEND,
  NLM_F_DUMP,
  NLM_F_MULTI,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { MessageWriter, type NetlinkRequest } from '../../netlink/message.js';
import type { NetlinkSocket } from '../../netlink/netlink-socket.js';
import { type Attributes, be32, be64, listAttributes, textOf, write32 } from './attributes.js';
import { Batch } from './batch.js';
import type { NftObject, NftTable } from './model.js';
import { objectKey } from './model.js';
import type { NfTables } from './nf-tables.js';
import type { NftSet, SetElement } from './set.js';
import { parseElement } from './set-changes.js';
import type { CounterExpression } from './tests.js';

/** What fills one message, and of which family it is. */
interface Item {
  readonly family: number;
  readonly fill: (writer: MessageWriter) => void;
}

/** Elements in one message: it must fit a reader's buffer. */
const ELEMENTS_AT_ONCE = 64;

interface Query {
  readonly tables: NfTables;
  readonly family: number;
  readonly attributes: Attributes;
  readonly dump: boolean;
}

/** Adds the index of its first message to what `handle` returns: 0 or -errno. */
export function answerQuery(
  tables: NfTables,
  task: Task,
  socket: NetlinkSocket,
  request: NetlinkRequest,
  family: number,
  attributes: Attributes,
): number {
  const message = request.type & 0xff;
  const dump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
  if (message === NFT_MSG_GETGEN) return answerGeneration(tables, task, socket, request);
  const found = itemsOf(message, { tables, family, attributes, dump });
  if (typeof found === 'number') return found;
  const [type, items] = found;
  const full = (NFNL_SUBSYS_NFTABLES << 8) | type;
  const flags = type === NFT_MSG_NEWRULE ? NLM_F_APPEND : 0;
  const write = (writer: MessageWriter, item: Item, extra: number): void => {
    tables.begin(writer, full, flags | extra, request.seq, socket.portId, item.family);
    item.fill(writer);
    writer.end();
  };
  if (dump)
    return socket.dump(
      request,
      items.map((item) => (writer: MessageWriter) => write(writer, item, NLM_F_MULTI)),
    );
  for (const item of items) {
    const writer = new MessageWriter();
    write(writer, item, 0);
    socket.answer(writer);
  }
  return 0;
}

function answerGeneration(
  tables: NfTables,
  task: Task,
  socket: NetlinkSocket,
  request: NetlinkRequest,
): number {
  const writer = new MessageWriter();
  writeGeneration(tables, writer, request.seq, socket.portId, task);
  socket.answer(writer);
  return 0;
}

export function writeGeneration(
  tables: NfTables,
  writer: MessageWriter,
  seq: number,
  port: number,
  task: Task,
): void {
  tables.begin(writer, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN, 0, seq, port, 0);
  write32(writer, NFTA_GEN_ID, tables.generation);
  write32(writer, NFTA_GEN_PROC_PID, task.group.pid);
  writer.attributeText(NFTA_GEN_PROC_NAME, task.comm);
  writer.end();
}

function itemsOf(message: number, query: Query): [number, Item[]] | number {
  const pair = (type: number, items: Item[] | number): [number, Item[]] | number =>
    typeof items === 'number' ? items : [type, items];
  switch (message) {
    case NFT_MSG_GETTABLE:
      return pair(NFT_MSG_NEWTABLE, tableItems(query));
    case NFT_MSG_GETCHAIN:
      return pair(NFT_MSG_NEWCHAIN, chainItems(query));
    case NFT_MSG_GETRULE:
      return pair(NFT_MSG_NEWRULE, ruleItems(query));
    case NFT_MSG_GETSET:
      return pair(NFT_MSG_NEWSET, setItems(query));
    case NFT_MSG_GETSETELEM:
      return pair(NFT_MSG_NEWSETELEM, elementItems(query));
    case NFT_MSG_GETOBJ:
    case NFT_MSG_GETOBJ_RESET:
      return pair(NFT_MSG_NEWOBJ, objectItems(query, message === NFT_MSG_GETOBJ_RESET));
    case NFT_MSG_GETFLOWTABLE:
      return query.dump ? [NFT_MSG_NEWTABLE, []] : -ENOENT;
    default:
      return -EOPNOTSUPP;
  }
}

/** Tables that a dump is about, or the one that must be named. */
function wanted({ tables, family, attributes, dump }: Query, type: number): NftTable[] | number {
  const name = textOf(attributes, type);
  if (name === undefined) return dump ? tables.ofFamily(family) : -EINVAL;
  const found = tables.ofFamily(family).filter((table) => table.name === name);
  if (!dump && found.length === 0) return -ENOENT;
  return found;
}

function tableItems(query: Query): Item[] | number {
  const found = wanted(query, NFTA_TABLE_NAME);
  if (typeof found === 'number') return found;
  return found.map((table) => ({
    family: table.family,
    fill: (writer) => query.tables.writeTable(writer, table),
  }));
}

function chainItems(query: Query): Item[] | number {
  const found = wanted(query, NFTA_CHAIN_TABLE);
  if (typeof found === 'number') return found;
  const name = query.dump ? undefined : textOf(query.attributes, NFTA_CHAIN_NAME);
  const chains = found
    .flatMap((table) => [...table.chains.values()])
    .filter((chain) => name === undefined || chain.name === name);
  if (!query.dump && chains.length === 0) return -ENOENT;
  return chains.map((chain) => ({
    family: chain.table.family,
    fill: (writer) => query.tables.writeChain(writer, chain),
  }));
}

function ruleItems(query: Query): Item[] | number {
  const found = wanted(query, NFTA_RULE_TABLE);
  if (typeof found === 'number') return found;
  const { attributes, dump } = query;
  const name = textOf(attributes, NFTA_RULE_CHAIN);
  const handle = dump ? -1 : be64(attributes, NFTA_RULE_HANDLE, -1);
  const items: Item[] = [];
  for (const chain of found.flatMap((table) => [...table.chains.values()])) {
    if (name !== undefined && chain.name !== name) continue;
    for (const rule of chain.rules) {
      if (handle >= 0 && rule.handle !== handle) continue;
      items.push({
        family: chain.table.family,
        fill: (writer) => query.tables.writeRule(writer, chain, rule),
      });
    }
  }
  return !dump && items.length === 0 ? -ENOENT : items;
}

function setItems(query: Query): Item[] | number {
  const found = wanted(query, NFTA_SET_TABLE);
  if (typeof found === 'number') return found;
  const name = query.dump ? undefined : textOf(query.attributes, NFTA_SET_NAME);
  const items: Item[] = [];
  for (const table of found) {
    for (const set of table.sets.values()) {
      if (name !== undefined && set.name !== name) continue;
      items.push({ family: table.family, fill: (writer) => query.tables.writeSet(writer, table, set) });
    }
  }
  return !query.dump && items.length === 0 ? -ENOENT : items;
}

/** Elements are always of one set. */
function elementItems({ tables, family, attributes, dump }: Query): Item[] | number {
  const table = tables.find(family, textOf(attributes, NFTA_SET_ELEM_LIST_TABLE) ?? '');
  const set = table?.sets.get(textOf(attributes, NFTA_SET_ELEM_LIST_SET) ?? '');
  if (table === undefined || set === undefined) return -ENOENT;
  const all = dump ? [...set.elements.values()] : namedElements(tables, table, set, attributes);
  if (typeof all === 'number') return all;
  const items: Item[] = [];
  for (let from = 0; from < all.length; from += ELEMENTS_AT_ONCE) {
    const some = all.slice(from, from + ELEMENTS_AT_ONCE);
    items.push({ family: table.family, fill: (writer) => tables.writeElements(writer, table, set, some) });
  }
  return items;
}

function namedElements(
  tables: NfTables,
  table: NftTable,
  set: NftSet,
  attributes: Attributes,
): SetElement[] | number {
  const list = attributes.get(NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list === undefined) return -EINVAL;
  const found: SetElement[] = [];
  for (const [, data] of listAttributes(list)) {
    const element = parseElement(new Batch(tables, 0), table, set, data, false);
    if (typeof element === 'number') return element;
    const held = element.isEnd
      ? set.find(element)
      : set.lookup(element.key, 0, tables.netfilter.network.now());
    if (held === null) return -ENOENT;
    found.push(held);
  }
  return found;
}

function objectItems(query: Query, reset: boolean): Item[] | number {
  const found = wanted(query, NFTA_OBJ_TABLE);
  if (typeof found === 'number') return found;
  const { attributes, dump, tables } = query;
  const type = be32(attributes, NFTA_OBJ_TYPE);
  const name = textOf(attributes, NFTA_OBJ_NAME);
  const items: Item[] = [];
  for (const table of found) {
    for (const object of table.objects.values()) {
      if (type !== 0 && object.type !== type) continue;
      if (!dump && objectKey(object.type, object.name) !== objectKey(type, name ?? '')) continue;
      items.push({
        family: table.family,
        fill: (writer) => writeObject(tables, writer, table, object, reset),
      });
    }
  }
  return !dump && items.length === 0 ? -ENOENT : items;
}

function writeObject(
  tables: NfTables,
  writer: MessageWriter,
  table: NftTable,
  object: NftObject,
  reset: boolean,
): void {
  tables.writeObject(writer, table, object);
  const { counter } = object.expression as Partial<CounterExpression>;
  if (!reset || counter === undefined) return;
  counter.packets = 0;
  counter.bytes = 0;
}
