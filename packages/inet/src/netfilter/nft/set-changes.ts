// NEWSET, DELSET, NEWSETELEM, DELSETELEM, NEWOBJ, DELOBJ.
import {
  EBUSY,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  EOPNOTSUPP,
  NFT_DATA_VERDICT,
  NFT_MSG_DELOBJ,
  NFT_MSG_DELSET,
  NFT_MSG_DELSETELEM,
  NFT_MSG_NEWOBJ,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_NAME_MAXLEN,
  NFT_OBJECT_COUNTER,
  NFT_OBJECT_LIMIT,
  NFT_OBJECT_QUOTA,
  NFT_SET_CONSTANT,
  NFT_SET_ELEM_CATCHALL,
  NFT_SET_ELEM_INTERVAL_END,
  NFT_SET_MAP,
  NFT_SET_OBJECT,
  NFTA_DATA_VALUE,
  NFTA_DATA_VERDICT,
  NFTA_OBJ_DATA,
  NFTA_OBJ_HANDLE,
  NFTA_OBJ_NAME,
  NFTA_OBJ_TABLE,
  NFTA_OBJ_TYPE,
  NFTA_OBJ_USERDATA,
  NFTA_SET_DATA_LEN,
  NFTA_SET_DATA_TYPE,
  NFTA_SET_DESC,
  NFTA_SET_DESC_CONCAT,
  NFTA_SET_DESC_SIZE,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_EXPIRATION,
  NFTA_SET_ELEM_EXPR,
  NFTA_SET_ELEM_EXPRESSIONS,
  NFTA_SET_ELEM_FLAGS,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_KEY_END,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_SET_ID,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_ELEM_OBJREF,
  NFTA_SET_ELEM_TIMEOUT,
  NFTA_SET_ELEM_USERDATA,
  NFTA_SET_FIELD_LEN,
  NFTA_SET_FLAGS,
  NFTA_SET_HANDLE,
  NFTA_SET_ID,
  NFTA_SET_KEY_LEN,
  NFTA_SET_NAME,
  NFTA_SET_OBJ_TYPE,
  NFTA_SET_TABLE,
  NFTA_SET_TIMEOUT,
  NLM_F_EXCL,
} from '@sandbox-kernel/abi';
import { attributesOf, be32, be64, listAttributes, textOf } from './attributes.js';
import type { Batch, Change } from './batch.js';
import type { ExpressionContext, ExpressionMaker } from './context.js';
import { makeExpression, makeExpressions } from './expressions.js';
import { type Expression, NftObject, type NftTable, objectKey } from './model.js';
import { NftSet, type SetElement } from './set.js';
import { tableOf } from './table-changes.js';
import { findSet, makeCounter, makeLimit, makeQuota } from './tests.js';
import { parseVerdict } from './verdict.js';

const MOST_KEY = 64;
const VERDICT_SIZE = 16;
const KNOWN_FLAGS = 0x1ff;
const MICROS_PER_MILLI = 1000;

export function newSet(batch: Batch, change: Change): number {
  const { attributes, flags } = change;
  const table = tableOf(batch, change, NFTA_SET_TABLE);
  if (typeof table === 'number') return table;
  const given = textOf(attributes, NFTA_SET_NAME);
  const keyLength = be32(attributes, NFTA_SET_KEY_LEN);
  if (given === undefined || !attributes.has(NFTA_SET_ID)) return -EINVAL;
  if (keyLength === 0 || keyLength > MOST_KEY) return -EINVAL;
  if (given.length >= NFT_NAME_MAXLEN) return -ENAMETOOLONG;
  const held = table.sets.get(given);
  if (held !== undefined) return (flags & NLM_F_EXCL) !== 0 ? batch.fail(-EEXIST, change, NFTA_SET_NAME) : 0;
  const options = setOptions(change, table, given, keyLength);
  if (typeof options === 'number') return options;
  const set = new NftSet(options, be32(attributes, NFTA_SET_ID));
  table.sets.set(set.name, set);
  batch.nameSet(set.id, set);
  batch.done(() => table.sets.delete(set.name));
  batch.tell(change, NFT_MSG_NEWSET, (writer) => batch.tables.writeSet(writer, table, set));
  return 0;
}

function setOptions(
  change: Change,
  table: NftTable,
  given: string,
  keyLength: number,
): NftSet['options'] | number {
  const { attributes } = change;
  const flags = be32(attributes, NFTA_SET_FLAGS);
  if ((flags & ~KNOWN_FLAGS) !== 0) return -EINVAL;
  const isMap = (flags & NFT_SET_MAP) !== 0;
  const dataType = isMap ? be32(attributes, NFTA_SET_DATA_TYPE) : null;
  const dataLength = dataType === NFT_DATA_VERDICT ? VERDICT_SIZE : be32(attributes, NFTA_SET_DATA_LEN);
  if (isMap && (flags & NFT_SET_OBJECT) !== 0) return -EOPNOTSUPP;
  if (isMap && (!attributes.has(NFTA_SET_DATA_TYPE) || dataLength === 0 || dataLength > MOST_KEY))
    return -EINVAL;
  if ((flags & NFT_SET_OBJECT) !== 0 && !attributes.has(NFTA_SET_OBJ_TYPE)) return -EINVAL;
  const description = attributesOf(attributes.get(NFTA_SET_DESC));
  const concat = description.get(NFTA_SET_DESC_CONCAT);
  const fields = (concat === undefined ? [] : listAttributes(concat)).map(([, field]) =>
    be32(attributesOf(field), NFTA_SET_FIELD_LEN),
  );
  const total = fields.reduce((sum, length) => sum + ((length + 3) & ~3), 0);
  if (fields.length > 0 && (total !== keyLength || fields.some((length) => length === 0))) return -EINVAL;
  return {
    name: freeName(table, given),
    handle: table.takeHandle(),
    flags,
    keyLength,
    dataLength: isMap ? dataLength : 0,
    dataType,
    objectType: be32(attributes, NFTA_SET_OBJ_TYPE),
    fields: fields.length > 0 ? fields : [keyLength],
    size: be32(description, NFTA_SET_DESC_SIZE),
    timeout: be64(attributes, NFTA_SET_TIMEOUT) * MICROS_PER_MILLI,
    attributes,
  };
}

/** `__set%d` asks for any number that is free. */
function freeName(table: NftTable, given: string): string {
  if (!given.includes('%d')) return given;
  for (let n = 0; ; n++) {
    const name = given.replace('%d', String(n));
    if (!table.sets.has(name)) return name;
  }
}

export function deleteSet(batch: Batch, change: Change): number {
  const { attributes } = change;
  const table = tableOf(batch, change, NFTA_SET_TABLE);
  if (typeof table === 'number') return table;
  const handle = be64(attributes, NFTA_SET_HANDLE, -1);
  const set =
    handle >= 0
      ? [...table.sets.values()].find((each) => each.options.handle === handle)
      : table.sets.get(textOf(attributes, NFTA_SET_NAME) ?? '');
  if (set === undefined) return batch.fail(-ENOENT, change, handle >= 0 ? NFTA_SET_HANDLE : NFTA_SET_NAME);
  if (set.use > 0) return batch.fail(-EBUSY, change, NFTA_SET_NAME);
  for (const element of [...set.elements.values()]) dropElement(batch, set, element);
  batch.tell(change, NFT_MSG_DELSET, (writer) => batch.tables.writeSet(writer, table, set));
  table.sets.delete(set.name);
  batch.done(() => table.sets.set(set.name, set));
  return 0;
}

// ── elements ──

export function changedSet(batch: Batch, change: Change): { table: NftTable; set: NftSet } | number {
  const table = tableOf(batch, change, NFTA_SET_ELEM_LIST_TABLE);
  if (typeof table === 'number') return table;
  const set = findSet(change.attributes, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_SET_ID, table, batch);
  return typeof set === 'number' ? batch.fail(set, change, NFTA_SET_ELEM_LIST_SET) : { table, set };
}

export function newElements(batch: Batch, change: Change): number {
  const found = changedSet(batch, change);
  if (typeof found === 'number') return found;
  const { table, set } = found;
  const list = change.attributes.get(NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list === undefined) return -EINVAL;
  if (set.use > 0 && (set.options.flags & NFT_SET_CONSTANT) !== 0) return -EBUSY;
  let leads = false;
  // Programs number the elements of a list, or give all of them one type.
  for (const [, data] of listAttributes(list)) {
    const element = parseElement(batch, table, set, data, true);
    if (typeof element === 'number') return blame(batch, data, element);
    const before = set.find(element);
    const result = set.add(element, (change.flags & NLM_F_EXCL) !== 0);
    if (result < 0) return blame(batch, data, result);
    if (before !== null) continue;
    holdElement(element, 1);
    leads ||= element.verdict?.chain != null;
    batch.done(() => {
      set.drop(element);
      holdElement(element, -1);
    });
    batch.tell(change, NFT_MSG_NEWSETELEM, (writer) =>
      batch.tables.writeElements(writer, table, set, [element]),
    );
  }
  return leads ? batch.checkCalls(table) : 0;
}

function blame(batch: Batch, attribute: Uint8Array, error: number): number {
  batch.blamed = attribute;
  return error;
}

function holdElement({ verdict, object }: SetElement, by: 1 | -1): void {
  if (verdict?.chain != null) verdict.chain.use += by;
  if (object !== null) object.use += by;
}

function dropElement(batch: Batch, set: NftSet, element: SetElement): void {
  set.drop(element);
  holdElement(element, -1);
  batch.done(() => {
    set.put(element);
    holdElement(element, 1);
  });
}

export function deleteElements(batch: Batch, change: Change): number {
  const found = changedSet(batch, change);
  if (typeof found === 'number') return found;
  const { table, set } = found;
  if (set.use > 0 && (set.options.flags & NFT_SET_CONSTANT) !== 0) return -EBUSY;
  const list = change.attributes.get(NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list === undefined) {
    for (const element of [...set.elements.values()]) dropElement(batch, set, element);
    return 0;
  }
  for (const [, data] of listAttributes(list)) {
    const element = parseElement(batch, table, set, data, false);
    if (typeof element === 'number') return blame(batch, data, element);
    const held = set.find(element);
    if (held === null) return blame(batch, data, -ENOENT);
    batch.tell(change, NFT_MSG_DELSETELEM, (writer) =>
      batch.tables.writeElements(writer, table, set, [held]),
    );
    dropElement(batch, set, held);
  }
  return 0;
}

/** An element from its attributes. `whole`: with what a map needs; to delete or find it the key is enough. */
export function parseElement(
  batch: Batch,
  table: NftTable,
  set: NftSet,
  bytes: Uint8Array,
  whole: boolean,
): SetElement | number {
  const attributes = attributesOf(bytes);
  const flags = be32(attributes, NFTA_SET_ELEM_FLAGS);
  const isCatchall = (flags & NFT_SET_ELEM_CATCHALL) !== 0;
  const isEnd = (flags & NFT_SET_ELEM_INTERVAL_END) !== 0;
  if ((flags & ~3) !== 0 || (isEnd && (!set.isRange || isCatchall))) return -EINVAL;
  const key = attributesOf(attributes.get(NFTA_SET_ELEM_KEY)).get(NFTA_DATA_VALUE);
  const keyEnd = attributesOf(attributes.get(NFTA_SET_ELEM_KEY_END)).get(NFTA_DATA_VALUE);
  if (isCatchall ? key !== undefined : key?.length !== set.options.keyLength) return -EINVAL;
  if (keyEnd !== undefined && keyEnd.length !== set.options.keyLength) return -EINVAL;
  const mapped = whole && !isEnd ? parseData(batch, table, set, attributes) : NO_DATA;
  if (typeof mapped === 'number') return mapped;
  const expressions = elementExpressions(batch, table, attributes);
  if (typeof expressions === 'number') return expressions;
  const timeout = be64(attributes, NFTA_SET_ELEM_TIMEOUT) * MICROS_PER_MILLI || set.options.timeout;
  const left = be64(attributes, NFTA_SET_ELEM_EXPIRATION) * MICROS_PER_MILLI || timeout;
  return {
    key: key?.slice() ?? new Uint8Array(0),
    keyEnd: keyEnd?.slice() ?? null,
    isEnd,
    isCatchall,
    ...mapped,
    userdata: attributes.get(NFTA_SET_ELEM_USERDATA),
    expressions,
    timeout: isEnd ? 0 : timeout,
    expires: isEnd || timeout === 0 ? 0 : batch.tables.netfilter.network.now() + left,
  };
}

type Mapped = Pick<SetElement, 'data' | 'verdict' | 'object'>;
const NO_DATA: Mapped = { data: null, verdict: null, object: null };

function parseData(
  batch: Batch,
  table: NftTable,
  set: NftSet,
  attributes: Change['attributes'],
): Mapped | number {
  const { flags, dataType, dataLength, objectType } = set.options;
  if ((flags & NFT_SET_OBJECT) !== 0) {
    const name = textOf(attributes, NFTA_SET_ELEM_OBJREF);
    if (name === undefined) return -EINVAL;
    const object = table.objects.get(objectKey(objectType, name));
    return object === undefined ? -ENOENT : { ...NO_DATA, object };
  }
  if (dataType === null) return attributes.has(NFTA_SET_ELEM_DATA) ? -EINVAL : NO_DATA;
  const given = attributesOf(attributes.get(NFTA_SET_ELEM_DATA));
  if (dataType === NFT_DATA_VERDICT) {
    const bytes = given.get(NFTA_DATA_VERDICT);
    const verdict = bytes === undefined ? -EINVAL : parseVerdict(bytes, table, batch);
    return typeof verdict === 'number' ? verdict : { ...NO_DATA, verdict };
  }
  const data = given.get(NFTA_DATA_VALUE);
  return data?.length === dataLength ? { ...NO_DATA, data: data.slice() } : -EINVAL;
}

function elementExpressions(
  batch: Batch,
  table: NftTable,
  attributes: Change['attributes'],
): Expression[] | number {
  const context = bareContext(batch, table);
  const single = attributes.get(NFTA_SET_ELEM_EXPR);
  if (single === undefined) return makeExpressions(attributes.get(NFTA_SET_ELEM_EXPRESSIONS), context);
  const expression = makeExpression(single, context);
  return typeof expression === 'number' ? expression : [expression];
}

function bareContext(batch: Batch, table: NftTable): ExpressionContext {
  const { netfilter } = batch.tables;
  return { netfilter, table, chain: null, names: batch, protocol: 0, protocolInverted: false };
}

// ── objects ──

const OBJECT_MAKERS: ReadonlyMap<number, ExpressionMaker> = new Map([
  [NFT_OBJECT_COUNTER, makeCounter],
  [NFT_OBJECT_QUOTA, makeQuota],
  [NFT_OBJECT_LIMIT, makeLimit],
]);

export function newObject(batch: Batch, change: Change): number {
  const { attributes, flags } = change;
  const table = tableOf(batch, change, NFTA_OBJ_TABLE);
  if (typeof table === 'number') return table;
  const name = textOf(attributes, NFTA_OBJ_NAME);
  const type = be32(attributes, NFTA_OBJ_TYPE);
  if (name === undefined || !attributes.has(NFTA_OBJ_TYPE) || !attributes.has(NFTA_OBJ_DATA)) return -EINVAL;
  if (name.length >= NFT_NAME_MAXLEN) return -ENAMETOOLONG;
  const key = objectKey(type, name);
  if (table.objects.has(key))
    return (flags & NLM_F_EXCL) !== 0 ? batch.fail(-EEXIST, change, NFTA_OBJ_NAME) : 0;
  const maker = OBJECT_MAKERS.get(type);
  if (maker === undefined) return -ENOENT;
  const made = maker(attributesOf(attributes.get(NFTA_OBJ_DATA)), bareContext(batch, table));
  if (typeof made === 'number') return made;
  const object = new NftObject(name, type, table.takeHandle(), made, attributes.get(NFTA_OBJ_USERDATA));
  table.objects.set(key, object);
  batch.done(() => table.objects.delete(key));
  batch.tell(change, NFT_MSG_NEWOBJ, (writer) => batch.tables.writeObject(writer, table, object));
  return 0;
}

export function deleteObject(batch: Batch, change: Change): number {
  const { attributes } = change;
  const table = tableOf(batch, change, NFTA_OBJ_TABLE);
  if (typeof table === 'number') return table;
  const type = be32(attributes, NFTA_OBJ_TYPE);
  const handle = be64(attributes, NFTA_OBJ_HANDLE, -1);
  const object =
    handle >= 0
      ? [...table.objects.values()].find((each) => each.handle === handle && each.type === type)
      : table.objects.get(objectKey(type, textOf(attributes, NFTA_OBJ_NAME) ?? ''));
  if (object === undefined) return batch.fail(-ENOENT, change, handle >= 0 ? NFTA_OBJ_HANDLE : NFTA_OBJ_NAME);
  if (object.use > 0) return batch.fail(-EBUSY, change, NFTA_OBJ_NAME);
  batch.tell(change, NFT_MSG_DELOBJ, (writer) => batch.tables.writeObject(writer, table, object));
  const key = objectKey(object.type, object.name);
  table.objects.delete(key);
  batch.done(() => table.objects.set(key, object));
  return 0;
}
