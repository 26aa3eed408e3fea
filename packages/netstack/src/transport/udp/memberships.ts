// The multicast groups of one socket and their source filters: ip(7), RFC 3376, RFC 3678.

import type { Address } from '../../address.js';
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS } from '../../errno.js';
import type { TransportHost } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { Membership } from './settings.js';

/** igmp_max_memberships and igmp_max_msf. */
const MAX_GROUPS = 20;
const MAX_SOURCES = 64;

export class GroupMemberships {
  private readonly host: TransportHost;
  private readonly list: Membership[];

  constructor(host: TransportHost) {
    this.host = host;
    this.list = [];
  }

  /** IP_ADD_MEMBERSHIP: everything sent to the group. 0, -EINVAL, -EADDRINUSE, -ENOBUFS, or what the host says. */
  join(group: Address, interfaceIndex: number): number {
    if (!group.isMulticast) return -EINVAL;
    if (this.find(group, interfaceIndex) !== null) return -EADDRINUSE;
    if (this.list.length >= MAX_GROUPS) return -ENOBUFS;
    const result = this.host.joinGroup(group, interfaceIndex);
    if (result < 0) return result;
    this.list.push(new Membership(group, interfaceIndex, true));
    return 0;
  }

  leave(group: Address, interfaceIndex: number): number {
    const membership = this.find(group, interfaceIndex);
    if (membership === null) return -EADDRNOTAVAIL;
    this.list.splice(this.list.indexOf(membership), 1);
    return this.host.leaveGroup(group, membership.interfaceIndex);
  }

  /** IP_ADD_SOURCE_MEMBERSHIP: only what `source` sends. */
  joinSource(group: Address, interfaceIndex: number, source: Address): number {
    let membership = this.find(group, interfaceIndex);
    if (membership === null) {
      const result = this.join(group, interfaceIndex);
      if (result < 0) return result;
      membership = this.find(group, interfaceIndex)!;
      membership.exclude = false;
    }
    if (membership.exclude) return -EINVAL;
    return this.addSource(membership, source);
  }

  /** IP_BLOCK_SOURCE. */
  block(group: Address, interfaceIndex: number, source: Address): number {
    const membership = this.find(group, interfaceIndex);
    if (membership === null || !membership.exclude) return -EINVAL;
    return this.addSource(membership, source);
  }

  /** IP_UNBLOCK_SOURCE and IP_DROP_SOURCE_MEMBERSHIP. */
  dropSource(group: Address, interfaceIndex: number, source: Address): number {
    const membership = this.find(group, interfaceIndex);
    const at = membership === null ? -1 : membership.sources.findIndex((s) => s.equals(source));
    if (membership === null || at < 0) return -EADDRNOTAVAIL;
    membership.sources.splice(at, 1);
    if (!membership.exclude && membership.sources.length === 0) return this.leave(group, interfaceIndex);
    return this.tellFilter(membership);
  }

  leaveAll(): void {
    for (const membership of this.list.splice(0)) {
      this.host.leaveGroup(membership.group, membership.interfaceIndex);
    }
  }

  /** True if the datagram's group was joined and its source is wanted; without a membership, `otherwise`. */
  admits(packet: PacketBuffer, otherwise: boolean): boolean {
    for (const membership of this.list) {
      if (!membership.group.equals(packet.destination!)) continue;
      if (membership.interfaceIndex !== 0 && membership.interfaceIndex !== packet.interfaceIndex) continue;
      return membership.admits(packet.source!);
    }
    return otherwise;
  }

  private find(group: Address, interfaceIndex: number): Membership | null {
    for (const membership of this.list) {
      if (!membership.group.equals(group)) continue;
      if (interfaceIndex === 0 || membership.interfaceIndex === interfaceIndex) return membership;
    }
    return null;
  }

  private addSource(membership: Membership, source: Address): number {
    if (membership.sources.some((s) => s.equals(source))) return -EADDRNOTAVAIL;
    if (membership.sources.length >= MAX_SOURCES) return -ENOBUFS;
    membership.sources.push(source);
    return this.tellFilter(membership);
  }

  private tellFilter(membership: Membership): number {
    const { group, interfaceIndex, exclude, sources } = membership;
    return this.host.setGroupFilter(group, interfaceIndex, exclude, sources);
  }
}
