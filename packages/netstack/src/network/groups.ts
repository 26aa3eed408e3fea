// Group membership of an interface and the protocols that tell routers of it: IGMP (RFC 2236, RFC 3376) and MLD (RFC 2710, RFC 3810),
// host side. Joins are counted; reports are repeated once; queries are answered after a random delay.
import type { Address } from '../address.js';
import { EADDRNOTAVAIL, EINVAL, ENOBUFS } from '../errno.js';
import { AddressMap } from '../storage/address-map.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import {
  decodeTime8,
  IGMP_QUERY,
  IGMP_V2_REPORT,
  parseIgmp,
  RECORD_IS_EXCLUDE,
  RECORD_IS_INCLUDE,
  RECORD_TO_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '../wire/igmp.js';
import { parseMldQuery } from '../wire/mld.js';
import { sendGroupLeave, sendGroupReport } from './group-report.js';
import type { NetInterface } from './interface.js';

const MAX_GROUPS = 256;
const MAX_SOURCES = 64;
/** RFC 3376 8.12: how long an older querier is believed to be there. */
const OLDER_QUERIER = 260_000_000;

export class GroupMembership implements TimerOwner {
  readonly table: GroupTable;
  readonly group: Address;
  readonly timer: Timer;
  references: number;
  exclude: boolean;
  sources: readonly Address[];
  reportsLeft: number;
  /** The next report is a change (true) or an answer to a query. */
  changed: boolean;

  constructor(table: GroupTable, group: Address) {
    this.table = table;
    this.group = group;
    this.timer = new Timer(this, 0);
    this.references = 0;
    this.exclude = true;
    this.sources = [];
    this.reportsLeft = 0;
    this.changed = false;
  }

  timerExpired(_timer: Timer, now: number): void {
    this.table.report(this, now);
  }
}

export class GroupTable {
  private readonly iface: NetInterface;
  private readonly groups: AddressMap<GroupMembership>;
  /** Until when version 2 (IGMP) or 1 (MLD) is spoken because an older querier was heard. */
  private olderUntil4: number;
  private olderUntil6: number;

  constructor(iface: NetInterface) {
    this.iface = iface;
    this.groups = new AddressMap();
    this.olderUntil4 = 0;
    this.olderUntil6 = 0;
  }

  list(): Address[] {
    return this.groups.list().map((membership) => membership.group);
  }

  has(group: Address): boolean {
    return isAllHosts(group) || this.groups.get(group) !== null;
  }

  /** Whether a packet from `source` to `group` is wanted. */
  accepts(group: Address, source: Address): boolean {
    if (isAllHosts(group)) return true;
    const membership = this.groups.get(group);
    if (membership === null) return false;
    const named = membership.sources.some((each) => each.equals(source));
    return membership.exclude ? !named : named;
  }

  join(group: Address): number {
    if (!group.isMulticast) return -EINVAL;
    if (isAllHosts(group)) return 0;
    let membership = this.groups.get(group);
    if (membership === null) {
      if (this.groups.size >= MAX_GROUPS) return -ENOBUFS;
      membership = new GroupMembership(this, group);
      this.groups.set(group, membership);
      this.announce(membership);
    }
    membership.references++;
    return 0;
  }

  leave(group: Address): number {
    if (isAllHosts(group)) return 0;
    const membership = this.groups.get(group);
    if (membership === null) return -EADDRNOTAVAIL;
    membership.references--;
    if (membership.references > 0) return 0;
    this.groups.delete(group);
    this.iface.net.timers.cancel(membership.timer);
    if (this.speaks(group)) sendGroupLeave(this.iface, membership, this.isOlder(group));
    return 0;
  }

  setFilter(group: Address, exclude: boolean, sources: readonly Address[]): number {
    const membership = this.groups.get(group);
    if (membership === null) return -EADDRNOTAVAIL;
    if (sources.length > MAX_SOURCES) return -ENOBUFS;
    membership.exclude = exclude;
    membership.sources = [...sources];
    this.announce(membership);
    return 0;
  }

  /** The interface came up: routers are told of all groups. */
  announceAll(): void {
    for (const membership of this.groups.list()) this.announce(membership);
  }

  /** For GroupMembership's timer. */
  report(membership: GroupMembership, now: number): void {
    if (!this.speaks(membership.group)) return;
    const state = membership.exclude ? RECORD_IS_EXCLUDE : RECORD_IS_INCLUDE;
    const change = membership.exclude ? RECORD_TO_EXCLUDE : RECORD_TO_INCLUDE;
    const record = membership.changed ? change : state;
    sendGroupReport(this.iface, membership, record, this.isOlder(membership.group));
    membership.reportsLeft--;
    if (membership.reportsLeft > 0) this.schedule(membership, now, 1_000_000);
    else membership.changed = false;
  }

  /** Keeps the packet. `start` is at the IGMP header. */
  receiveIgmp(packet: PacketBuffer): void {
    const message = parseIgmp(packet.view, packet.start, packet.end);
    if (message === null) return;
    const now = this.iface.net.now();
    const group = this.iface.net.addresses.words(0, 0, 0xffff, message.group);
    if (message.type === IGMP_V2_REPORT) this.heardReport(group, now < this.olderUntil4);
    if (message.type !== IGMP_QUERY) return;
    if (!message.version3) this.olderUntil4 = now + OLDER_QUERIER;
    const tenths =
      message.maxResponse === 0
        ? 100
        : message.version3
          ? decodeTime8(message.maxResponse)
          : message.maxResponse;
    this.queried(group, message.group === 0, tenths * 100_000, true);
  }

  /** Keeps the packet. `start` is at the ICMPv6 header. */
  receiveMldQuery(packet: PacketBuffer): void {
    if (packet.ttl !== 1 || packet.source?.isLinkLocal !== true) return;
    const query = parseMldQuery(packet.view, packet.start, packet.end);
    if (query === null) return;
    if (!query.version2) this.olderUntil6 = this.iface.net.now() + OLDER_QUERIER;
    this.queried(query.group, query.group.isUnspecified, query.maxResponse * 1000, false);
  }

  /** Another host's report spares ours, in the older versions. Keeps the packet. */
  receiveMldReport(packet: PacketBuffer): void {
    if (packet.length < 24 || packet.ttl !== 1) return;
    const group = this.iface.net.addresses.readV6(packet.view, packet.start + 8);
    this.heardReport(group, this.iface.net.now() < this.olderUntil6);
  }

  private heardReport(group: Address, older: boolean): void {
    const membership = this.groups.get(group);
    if (membership === null || !older || membership.changed) return;
    this.iface.net.timers.cancel(membership.timer);
  }

  private queried(group: Address, general: boolean, within: number, v4: boolean): void {
    const now = this.iface.net.now();
    for (const membership of this.groups.list()) {
      if (membership.group.isV4 !== v4 || (!general && !membership.group.equals(group))) continue;
      if (membership.timer.armed && membership.timer.deadline <= now + within) continue;
      if (membership.reportsLeft <= 0) membership.reportsLeft = 1;
      this.schedule(membership, now, within);
    }
  }

  private announce(membership: GroupMembership): void {
    if (!this.speaks(membership.group)) return;
    membership.changed = true;
    membership.reportsLeft = 2;
    this.report(membership, this.iface.net.now());
  }

  private schedule(membership: GroupMembership, now: number, within: number): void {
    const delay = Math.floor((this.iface.net.random.next32() / 0x100000000) * within);
    this.iface.net.timers.arm(membership.timer, now + delay);
  }

  private isOlder(group: Address): boolean {
    return this.iface.net.now() < (group.isV4 ? this.olderUntil4 : this.olderUntil6);
  }

  /** Groups of node scope, and links without routers, are nobody's business. */
  private speaks(group: Address): boolean {
    const iface = this.iface;
    if (iface.isLoopback || !iface.isUp || !iface.isEthernet) return false;
    return group.isV4 || ((group.w0 >>> 16) & 15) > 1;
  }
}

/** 224.0.0.1, ff01::1 and ff02::1 are joined always and never reported. */
function isAllHosts(group: Address): boolean {
  if (group.isV4) return group.w3 === (0xe0000001 | 0);
  const scope = group.w0 >>> 16;
  return (
    (scope === 0xff02 || scope === 0xff01) &&
    group.w3 === 1 &&
    (group.w1 | group.w2 | (group.w0 & 0xffff)) === 0
  );
}
