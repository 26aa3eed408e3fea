// Socket options 64 and up at IPPROTO_IP and IPPROTO_IPV6: how iptables(8) of the older kind reads and replaces tables (ip_tables.h).
import {
  CAP_NET_ADMIN,
  EAGAIN,
  EINVAL,
  ENOMEM,
  ENOPROTOOPT,
  EPERM,
  EPROTONOSUPPORT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPT_SO_GET_ENTRIES,
  IPT_SO_GET_INFO,
  IPT_SO_GET_REVISION_MATCH,
  IPT_SO_GET_REVISION_TARGET,
  IPT_SO_SET_ADD_COUNTERS,
  IPT_SO_SET_REPLACE,
  XT_TABLE_MAXNAMELEN,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import type { Netfilter } from '../netfilter.js';
import type { XtLayout } from './xt-blob.js';
import { fixedText } from './xt-extension.js';
import { XT_MATCHES, XT_TARGETS } from './xt-rules.js';
import type { XtTable, XtTables } from './xt-tables.js';

const HOOKS = 5;
const GETINFO_SIZE = 84;
const ENTRIES_HEADER = 40;
const REPLACE_HEADER = 96;
const COUNTERS_HEADER = 40;
const COUNTER_SIZE = 16;
const REVISION_SIZE = 30;
/** IP6T_SO_GET_REVISION_*, for IPv6's own options lie where IPv4's would be. */
const V6_REVISION_MATCH = 68;
const V6_REVISION_TARGET = 69;
const MOST_BYTES = 16 << 20;

function tablesOf(netfilter: Netfilter, level: number): XtTables {
  return level === IPPROTO_IPV6 ? netfilter.v6 : netfilter.v4;
}

function mayAdminister(task: Task): boolean {
  return task.credentials.hasCapability(CAP_NET_ADMIN);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** getsockopt(2): the answer, a number to return, or -errno. `question` is the beginning of the buffer, `room` its size. */
export function askXtOption(
  netfilter: Netfilter,
  task: Task,
  level: number,
  option: number,
  question: Uint8Array,
  room: number,
): Uint8Array | number {
  const isV6 = level === IPPROTO_IPV6;
  const matches = isV6 ? V6_REVISION_MATCH : IPT_SO_GET_REVISION_MATCH;
  const targets = isV6 ? V6_REVISION_TARGET : IPT_SO_GET_REVISION_TARGET;
  if (![IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES, matches, targets].includes(option)) return -ENOPROTOOPT;
  if (!mayAdminister(task)) return -EPERM;
  const tables = tablesOf(netfilter, level);
  if (option === IPT_SO_GET_INFO) return info(tables, question, room);
  if (option === IPT_SO_GET_ENTRIES) return entries(tables, question, room);
  if (room !== REVISION_SIZE || question.length < REVISION_SIZE) return -EINVAL;
  const name = fixedText(question, 0);
  const registry = option === matches ? XT_MATCHES : XT_TARGETS;
  // A verdict is a target too, and so is the end of a table.
  if (option === targets && (name === '' || name === 'ERROR'))
    return question[29] === 0 ? 0 : -EPROTONOSUPPORT;
  return registry.highest(name, question[29] as number, isV6, EPROTONOSUPPORT);
}

/** struct ipt_getinfo. */
function info(tables: XtTables, question: Uint8Array, room: number): Uint8Array | number {
  if (room !== GETINFO_SIZE) return -EINVAL;
  const table = tables.table(fixedText(question, 0, XT_TABLE_MAXNAMELEN - 1));
  if (typeof table === 'number') return table;
  const answer = new Uint8Array(GETINFO_SIZE);
  answer.set(question.subarray(0, XT_TABLE_MAXNAMELEN - 1));
  const view = viewOf(answer);
  const { blob } = table;
  view.setUint32(32, blob.validHooks, true);
  for (let hook = 0; hook < HOOKS; hook++) {
    view.setUint32(36 + hook * 4, blob.entryPoints[hook] as number, true);
    view.setUint32(56 + hook * 4, blob.underflows[hook] as number, true);
  }
  view.setUint32(76, blob.entries.length, true);
  view.setUint32(80, blob.bytes.length, true);
  return answer;
}

/** struct ipt_get_entries. */
function entries(tables: XtTables, question: Uint8Array, room: number): Uint8Array | number {
  if (room < ENTRIES_HEADER) return -EINVAL;
  const size = viewOf(question).getUint32(32, true);
  if (room !== ENTRIES_HEADER + size) return -EINVAL;
  const table = tables.table(fixedText(question, 0, XT_TABLE_MAXNAMELEN - 1));
  if (typeof table === 'number') return table;
  if (size !== table.blob.bytes.length) return -EAGAIN;
  const answer = new Uint8Array(room);
  answer.set(question.subarray(0, ENTRIES_HEADER));
  answer.set(table.snapshot(), ENTRIES_HEADER);
  return answer;
}

/** setsockopt(2): 0 or -errno. */
export function setXtOption(
  netfilter: Netfilter,
  task: Task,
  level: number,
  option: number,
  bytes: Uint8Array,
): number {
  if (option !== IPT_SO_SET_REPLACE && option !== IPT_SO_SET_ADD_COUNTERS) return -ENOPROTOOPT;
  if (!mayAdminister(task)) return -EPERM;
  const tables = tablesOf(netfilter, level);
  return option === IPT_SO_SET_REPLACE ? replace(tables, task, bytes) : addCounters(tables, bytes);
}

/** struct ipt_replace: the counters of the old entries go where the program says. */
function replace(tables: XtTables, task: Task, bytes: Uint8Array): number {
  if (bytes.length < REPLACE_HEADER) return -EINVAL;
  const view = viewOf(bytes);
  const size = view.getUint32(40, true);
  const wanted = view.getUint32(84, true);
  if (wanted >= 0x7fffffff / COUNTER_SIZE || size > MOST_BYTES) return -ENOMEM;
  if (wanted === 0 || bytes.length < REPLACE_HEADER + size) return -EINVAL;
  const layout = readLayout(view);
  const table = tables.table(fixedText(bytes, 0, XT_TABLE_MAXNAMELEN - 1));
  if (typeof table === 'number') return table;
  const before = countersOf(table);
  const result = table.replace(bytes.slice(REPLACE_HEADER, REPLACE_HEADER + size), layout, wanted);
  if (result !== 0) return result;
  const to = view.getUint32(88, true) + view.getUint32(92, true) * 2 ** 32;
  // The table is already replaced: a place that can't be written loses the counters, as on Linux.
  task.memory.copyOut(to, before, 0, before.length);
  return 0;
}

function readLayout(view: DataView): XtLayout {
  const words = (at: number): number[] =>
    Array.from({ length: HOOKS }, (_, i) => view.getUint32(at + i * 4, true));
  return {
    validHooks: view.getUint32(32, true),
    count: view.getUint32(36, true),
    entryPoints: words(44),
    underflows: words(64),
  };
}

function countersOf(table: XtTable): Uint8Array {
  const { counters } = table;
  const bytes = new Uint8Array(counters.length * COUNTER_SIZE);
  const view = viewOf(bytes);
  counters.forEach(({ packets, bytes: size }, i) => {
    view.setBigUint64(i * COUNTER_SIZE, BigInt(packets), true);
    view.setBigUint64(i * COUNTER_SIZE + 8, BigInt(size), true);
  });
  return bytes;
}

/** struct xt_counters_info. */
function addCounters(tables: XtTables, bytes: Uint8Array): number {
  if (bytes.length < COUNTERS_HEADER) return -EINVAL;
  const view = viewOf(bytes);
  const count = view.getUint32(32, true);
  if (bytes.length !== COUNTERS_HEADER + count * COUNTER_SIZE) return -EINVAL;
  const table = tables.table(fixedText(bytes, 0, XT_TABLE_MAXNAMELEN - 1));
  if (typeof table === 'number') return table;
  const read = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const values = Array.from({ length: count }, (_, i): [number, number] => {
    const at = COUNTERS_HEADER + i * COUNTER_SIZE;
    return [read(at), read(at + 8)];
  });
  return table.addCounters(values);
}

export function isXtSetOption(level: number, option: number): boolean {
  return (
    (level === IPPROTO_IP || level === IPPROTO_IPV6) &&
    (option === IPT_SO_SET_REPLACE || option === IPT_SO_SET_ADD_COUNTERS)
  );
}
