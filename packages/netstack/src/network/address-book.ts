// Addresses of interfaces: adding and removing them with their routes and groups, looking them up fast, their lifetimes, and
// bringing interfaces up and down.
import { Address, LOOPBACK_V4, LOOPBACK_V6, solicitedNode } from '../address.js';
import { EADDRNOTAVAIL, EEXIST, EINVAL } from '../errno.js';
import { AddressMap } from '../storage/address-map.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { announceArp } from './arp.js';
import type { NetInterface } from './interface.js';
import {
  ADDRESS_DEPRECATED,
  ADDRESS_DUPLICATE,
  ADDRESS_PREFERRED,
  ADDRESS_TENTATIVE,
  InterfaceAddress,
} from './interface-address.js';
import { AddressProbe } from './ndp.js';
import type { NetworkLayer } from './network.js';
import { interfaceIdentifier } from './router-discovery.js';
import { makeRoute } from './routing.js';

const LINK_LOCAL = Address.of('fe80::');

export class AddressBook implements TimerOwner {
  private readonly net: NetworkLayer;
  /** All addresses of all interfaces. One address on two interfaces (link-local) has its holders in a list. */
  private readonly holders: AddressMap<InterfaceAddress[]>;
  /** IPv4 subnets of lo: all of their addresses are local. 127/8 is known without. */
  private readonly subnets: InterfaceAddress[];
  private readonly timer: Timer;

  constructor(net: NetworkLayer) {
    this.net = net;
    this.holders = new AddressMap();
    this.subnets = [];
    this.timer = new Timer(this, 0);
  }

  startLoopback(lo: NetInterface): void {
    this.add(lo, LOOPBACK_V4, 8, false);
    this.add(lo, LOOPBACK_V6, 128, false);
    this.bringUp(lo);
  }

  isLocal(address: Address, interfaceIndex: number): boolean {
    const list = this.holders.get(address);
    if (list === null)
      return address.isV4 && interfaceIndex <= 1 && (address.isLoopback || this.subnetOf(address) !== null);
    for (let i = 0; i < list.length; i++) {
      const held = list[i] as InterfaceAddress;
      if ((interfaceIndex === 0 || held.interfaceIndex === interfaceIndex) && held.isUsable) return true;
    }
    return false;
  }

  /** The address of lo whose subnet holds this one. */
  private subnetOf(address: Address): InterfaceAddress | null {
    for (let i = 0; i < this.subnets.length; i++) {
      const held = this.subnets[i] as InterfaceAddress;
      if (held.isUsable && held.covers(address)) return held;
    }
    return null;
  }

  /** What answers for a local address. */
  ownAddress(address: Address): Address {
    if (this.subnets.length === 0 || this.holders.get(address) !== null) return address;
    return this.subnetOf(address)?.address ?? address;
  }

  /** Validates; 0, -EINVAL, -EEXIST. */
  assign(iface: NetInterface, address: Address, prefixLength: number): number {
    const sane = Number.isInteger(prefixLength) && prefixLength >= 0 && prefixLength <= address.bits;
    if (!sane || address.isMulticast || address.isUnspecified || address.isLimitedBroadcast) return -EINVAL;
    if (iface.findAddress(address) !== null) return -EEXIST;
    this.add(iface, address, prefixLength, false);
    return 0;
  }

  /** Precondition: the interface does not have it yet. */
  add(iface: NetInterface, address: Address, prefixLength: number, auto: boolean): InterfaceAddress {
    const held = new InterfaceAddress(address, prefixLength, iface.index, auto);
    iface.addresses.push(held);
    const list = this.holders.get(address);
    if (list === null) this.holders.set(address, [held]);
    else list.push(held);
    if (iface.isLoopback && address.isV4 && !address.isLoopback && prefixLength < 32) this.subnets.push(held);
    if (iface.isUp) this.start(iface, held);
    else if (!address.isV4) held.state = ADDRESS_TENTATIVE;
    this.net.changed();
    return held;
  }

  remove(iface: NetInterface, address: Address): number {
    const held = iface.findAddress(address);
    if (held === null) return -EADDRNOTAVAIL;
    iface.addresses.splice(iface.addresses.indexOf(held), 1);
    const list = (this.holders.get(address) ?? []).filter((each) => each !== held);
    if (this.subnets.includes(held)) this.subnets.splice(this.subnets.indexOf(held), 1);
    if (list.length === 0) this.holders.delete(address);
    else this.holders.set(address, list);
    if (iface.isUp) this.stop(iface, held);
    this.net.changed();
    return 0;
  }

  bringUp(iface: NetInterface): void {
    if (iface.isUp) return;
    iface.isUp = true;
    const { net } = this;
    if (iface.autoLinkLocal && iface.linkLocalAddress() === null) {
      const address = interfaceIdentifier(LINK_LOCAL, iface.device.address);
      if (iface.findAddress(address) === null) this.add(iface, address, 64, false);
      else this.startAll(iface);
    }
    this.startAll(iface);
    iface.groups.announceAll();
    if (iface.isEthernet) iface.routers.start();
    net.changed();
  }

  takeDown(iface: NetInterface): void {
    if (!iface.isUp) return;
    for (const held of iface.addresses) this.stop(iface, held);
    iface.routers.stop();
    iface.neighbours.flush();
    iface.isUp = false;
    this.net.changed();
  }

  private startAll(iface: NetInterface): void {
    for (const held of [...iface.addresses]) if (!this.isStarted(iface, held)) this.start(iface, held);
  }

  private isStarted(iface: NetInterface, held: InterfaceAddress): boolean {
    return held.address.isV4
      ? this.hasRoute(iface, held)
      : iface.groups.list().some((g) => g.equals(solicitedNode(held.address)));
  }

  private hasRoute(iface: NetInterface, held: InterfaceAddress): boolean {
    return this.net.routing
      .list()
      .some(
        (r) =>
          r.origin === 'kernel' &&
          r.interfaceIndex === iface.index &&
          r.preferredSource?.equals(held.address) === true,
      );
  }

  private start(iface: NetInterface, held: InterfaceAddress): void {
    const { address } = held;
    const local = iface.isLoopback && (address.isV4 || held.prefixLength === address.bits);
    if (!local) this.net.addRoute(this.subnetRoute(iface, held));
    if (address.isV4) {
      held.state = ADDRESS_PREFERRED;
      if (iface.isEthernet) announceArp(iface, address);
      return;
    }
    if (held.state === ADDRESS_DUPLICATE) return;
    iface.groups.join(solicitedNode(address));
    if (iface.isEthernet && iface.dadTransmits > 0) {
      held.state = ADDRESS_TENTATIVE;
      held.dadLeft = iface.dadTransmits;
      new AddressProbe(iface, held);
    } else {
      held.state = ADDRESS_PREFERRED;
      this.net.addressReady(iface, held);
    }
  }

  private subnetRoute(iface: NetInterface, held: InterfaceAddress) {
    return makeRoute(held.address, held.prefixLength, {
      interfaceIndex: iface.index,
      preferredSource: held.address.isV4 ? held.address : null,
      metric: held.address.isV4 ? 0 : 256,
      origin: 'kernel',
    });
  }

  private stop(iface: NetInterface, held: InterfaceAddress): void {
    const route = this.subnetRoute(iface, held);
    const shared = iface.addresses.some(
      (each) => each !== held && each.prefixLength === held.prefixLength && each.covers(held.address),
    );
    if (!shared) {
      this.net.routing.remove(
        (r) =>
          r.origin === 'kernel' &&
          r.interfaceIndex === iface.index &&
          r.prefixLength === route.prefixLength &&
          r.destination.equals(route.destination),
      );
    }
    if (!held.address.isV4) iface.groups.leave(solicitedNode(held.address));
  }

  /** Duplicate address detection is over: a link-local address lets the others speak. */
  becameReady(iface: NetInterface, held: InterfaceAddress): void {
    if (held.address.isLinkLocal && iface.isEthernet) iface.groups.announceAll();
  }

  /** Arms the timer for the next lifetime, of an address or a route, that ends. */
  scheduleExpiry(): void {
    let next = this.net.routing.nextExpiry;
    const now = this.net.now();
    for (const iface of this.net.interfaceList()) {
      for (const held of iface.addresses) {
        next = Math.min(next, held.validUntil);
        if (held.state === ADDRESS_PREFERRED) next = Math.min(next, held.preferredUntil);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.net.timers.arm(this.timer, Math.max(next, now));
  }

  timerExpired(_timer: Timer, now: number): void {
    this.net.routing.expire(now);
    for (const iface of this.net.interfaceList()) {
      for (const held of [...iface.addresses]) {
        if (held.validUntil <= now) this.remove(iface, held.address);
        else if (held.state === ADDRESS_PREFERRED && held.preferredUntil <= now) {
          held.state = ADDRESS_DEPRECATED;
          this.net.changed();
        } else if (held.state === ADDRESS_DEPRECATED && held.preferredUntil > now) {
          held.state = ADDRESS_PREFERRED;
          this.net.changed();
        }
      }
    }
    this.scheduleExpiry();
  }
}
