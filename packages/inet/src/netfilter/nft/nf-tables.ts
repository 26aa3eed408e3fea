// The tables of nft(8) and what they look like in messages. A generation counts the batches that were taken.
import {
  AF_UNSPEC,
  NETLINK_NETFILTER,
  NFNLGRP_NFTABLES,
  NFT_TABLE_F_DORMANT,
  NFTA_CHAIN_COUNTERS,
  NFTA_CHAIN_FLAGS,
  NFTA_CHAIN_HANDLE,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_CHAIN_USE,
  NFTA_CHAIN_USERDATA,
  NFTA_COUNTER_BYTES,
  NFTA_COUNTER_PACKETS,
  NFTA_DATA_VALUE,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_LIST_ELEM,
  NFTA_OBJ_DATA,
  NFTA_OBJ_HANDLE,
  NFTA_OBJ_NAME,
  NFTA_OBJ_TABLE,
  NFTA_OBJ_TYPE,
  NFTA_OBJ_USE,
  NFTA_OBJ_USERDATA,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_HANDLE,
  NFTA_RULE_POSITION,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_EXPIRATION,
  NFTA_SET_ELEM_EXPR,
  NFTA_SET_ELEM_EXPRESSIONS,
  NFTA_SET_ELEM_FLAGS,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_KEY_END,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_ELEM_OBJREF,
  NFTA_SET_ELEM_TIMEOUT,
  NFTA_SET_ELEM_USERDATA,
  NFTA_SET_HANDLE,
  NFTA_SET_ID,
  NFTA_SET_NAME,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_HANDLE,
  NFTA_TABLE_NAME,
  NFTA_TABLE_USE,
  NFTA_TABLE_USERDATA,
} from '@sandbox-kernel/abi';
import type { MessageWriter } from '../../netlink/message.js';
import type { Netfilter } from '../netfilter.js';
import { write32, write64, writeNest } from './attributes.js';
import { writeExpression, writeExpressions } from './expressions.js';
import type { NftChain, NftObject, NftRule, NftTable } from './model.js';
import type { NftSet, SetElement } from './set.js';
import { writeVerdict } from './verdict.js';

export class NfTables {
  readonly netfilter: Netfilter;
  generation: number;
  private nextHandle: number;
  private readonly tables: Map<string, NftTable>;

  constructor(netfilter: Netfilter) {
    this.netfilter = netfilter;
    this.generation = 1;
    this.nextHandle = 1;
    this.tables = new Map();
  }

  takeHandle(): number {
    return this.nextHandle++;
  }

  find(family: number, name: string): NftTable | undefined {
    return this.tables.get(`${family} ${name}`);
  }

  /** AF_UNSPEC: of all. */
  ofFamily(family: number): NftTable[] {
    return [...this.tables.values()].filter((table) => family === AF_UNSPEC || table.family === family);
  }

  add(table: NftTable): void {
    this.tables.set(`${table.family} ${table.name}`, table);
  }

  remove(table: NftTable): void {
    this.tables.delete(`${table.family} ${table.name}`);
  }

  /** Hangs a chain on its hook, or takes it off; chains of dormant tables hang nowhere. */
  hang(chain: NftChain, on: boolean): void {
    const { base, engine, table } = chain;
    if (base === null || (table.flags & NFT_TABLE_F_DORMANT) !== 0) return;
    const { network } = this.netfilter;
    if (base.type === 'nat') {
      if (on) this.netfilter.nat.attach(base.hook, engine);
      else this.netfilter.nat.detach(base.hook, engine);
    } else if (on) network.hooks.add(base.hook, engine);
    else network.hooks.remove(base.hook, engine);
  }

  get isHeard(): boolean {
    return this.netfilter.internet.netlink.heard(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
  }

  publish(bytes: Uint8Array): void {
    this.netfilter.internet.netlink.publish(NETLINK_NETFILTER, NFNLGRP_NFTABLES, bytes);
  }

  // ── messages ──

  /** The headers of netlink and nfnetlink. */
  begin(
    writer: MessageWriter,
    type: number,
    flags: number,
    seq: number,
    port: number,
    family: number,
    generation = this.generation,
  ): MessageWriter {
    const low = generation & 0xffff;
    return writer.begin(type, flags, seq, port).u8(family, 0, low >>> 8, low & 0xff);
  }

  writeTable(writer: MessageWriter, table: NftTable): void {
    writer.attributeText(NFTA_TABLE_NAME, table.name);
    write32(writer, NFTA_TABLE_FLAGS, table.flags);
    write32(writer, NFTA_TABLE_USE, table.use);
    write64(writer, NFTA_TABLE_HANDLE, table.handle);
    if (table.userdata !== undefined) writer.attribute(NFTA_TABLE_USERDATA, table.userdata);
  }

  writeChain(writer: MessageWriter, chain: NftChain): void {
    const { base, counted } = chain;
    writer.attributeText(NFTA_CHAIN_TABLE, chain.table.name);
    writer.attributeText(NFTA_CHAIN_NAME, chain.name);
    write64(writer, NFTA_CHAIN_HANDLE, chain.handle);
    if (base !== null) {
      writeNest(writer, NFTA_CHAIN_HOOK, () => {
        write32(writer, NFTA_HOOK_HOOKNUM, base.hook);
        write32(writer, NFTA_HOOK_PRIORITY, base.priority);
      });
      write32(writer, NFTA_CHAIN_POLICY, chain.engine.policy === 'accept' ? 1 : 0);
      writer.attributeText(NFTA_CHAIN_TYPE, base.type);
    }
    if (counted !== null) {
      writeNest(writer, NFTA_CHAIN_COUNTERS, () => {
        write64(writer, NFTA_COUNTER_PACKETS, counted.packets);
        write64(writer, NFTA_COUNTER_BYTES, counted.bytes);
      });
    }
    if (chain.flags !== 0 || base !== null)
      write32(writer, NFTA_CHAIN_FLAGS, chain.flags | (base === null ? 0 : 1));
    write32(writer, NFTA_CHAIN_USE, chain.use + chain.rules.length);
    if (chain.userdata !== undefined) writer.attribute(NFTA_CHAIN_USERDATA, chain.userdata);
  }

  writeRule(writer: MessageWriter, chain: NftChain, rule: NftRule): void {
    writer.attributeText(NFTA_RULE_TABLE, chain.table.name);
    writer.attributeText(NFTA_RULE_CHAIN, chain.name);
    write64(writer, NFTA_RULE_HANDLE, rule.handle);
    const before = chain.rules[chain.rules.indexOf(rule) - 1];
    if (before !== undefined) write64(writer, NFTA_RULE_POSITION, before.handle);
    writeExpressions(writer, NFTA_RULE_EXPRESSIONS, rule.expressions);
    if (rule.userdata !== undefined) writer.attribute(NFTA_RULE_USERDATA, rule.userdata);
  }

  writeSet(writer: MessageWriter, table: NftTable, set: NftSet): void {
    const { attributes, handle, name } = set.options;
    for (const [type, data] of attributes) {
      if (type === NFTA_SET_NAME) writer.attributeText(type, name);
      else if (type !== NFTA_SET_ID && type !== NFTA_SET_HANDLE) writer.attribute(type, data);
    }
    write64(writer, NFTA_SET_HANDLE, handle);
    void table;
  }

  writeElements(writer: MessageWriter, table: NftTable, set: NftSet, elements: readonly SetElement[]): void {
    writer.attributeText(NFTA_SET_ELEM_LIST_TABLE, table.name);
    writer.attributeText(NFTA_SET_ELEM_LIST_SET, set.name);
    const now = this.netfilter.network.now();
    writeNest(writer, NFTA_SET_ELEM_LIST_ELEMENTS, () => {
      for (const element of elements) {
        if (element.expires !== 0 && element.expires <= now) continue;
        writeNest(writer, NFTA_LIST_ELEM, () => writeElement(writer, element, now));
      }
    });
  }

  writeObject(writer: MessageWriter, table: NftTable, object: NftObject): void {
    writer.attributeText(NFTA_OBJ_TABLE, table.name);
    writer.attributeText(NFTA_OBJ_NAME, object.name);
    write32(writer, NFTA_OBJ_TYPE, object.type);
    write32(writer, NFTA_OBJ_USE, object.use);
    writeNest(writer, NFTA_OBJ_DATA, () => object.expression.write(writer));
    write64(writer, NFTA_OBJ_HANDLE, object.handle);
    if (object.userdata !== undefined) writer.attribute(NFTA_OBJ_USERDATA, object.userdata);
  }
}

function writeElement(writer: MessageWriter, element: SetElement, now: number): void {
  const { key, keyEnd, data, verdict, object, expressions, userdata } = element;
  if (!element.isCatchall)
    writeNest(writer, NFTA_SET_ELEM_KEY, () => void writer.attribute(NFTA_DATA_VALUE, key));
  if (keyEnd !== null)
    writeNest(writer, NFTA_SET_ELEM_KEY_END, () => void writer.attribute(NFTA_DATA_VALUE, keyEnd));
  if (data !== null)
    writeNest(writer, NFTA_SET_ELEM_DATA, () => void writer.attribute(NFTA_DATA_VALUE, data));
  if (verdict !== null) writeNest(writer, NFTA_SET_ELEM_DATA, () => writeVerdict(writer, verdict));
  if (expressions.length === 1) writeExpression(writer, NFTA_SET_ELEM_EXPR, expressions[0] as never);
  else if (expressions.length > 1) writeExpressions(writer, NFTA_SET_ELEM_EXPRESSIONS, expressions);
  if (object !== null) writer.attributeText(NFTA_SET_ELEM_OBJREF, object.name);
  const flags = (element.isEnd ? 1 : 0) | (element.isCatchall ? 2 : 0);
  if (flags !== 0) write32(writer, NFTA_SET_ELEM_FLAGS, flags);
  if (element.timeout > 0) {
    write64(writer, NFTA_SET_ELEM_TIMEOUT, Math.floor(element.timeout / 1000));
    write64(writer, NFTA_SET_ELEM_EXPIRATION, Math.floor((element.expires - now) / 1000));
  }
  if (userdata !== undefined) writer.attribute(NFTA_SET_ELEM_USERDATA, userdata);
}
