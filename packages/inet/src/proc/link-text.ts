// /proc/net/{dev,if_inet6,arp,route,ipv6_route,igmp,igmp6,dev_mcast,dev_snmp6,ptype}: interfaces, their addresses, neighbours, routes and groups.
import type { Address, InterfaceAddress, NetInterface } from '@sandbox-kernel/netstack';
import { hardwareAddress, maskOf } from '../interface-ioctl.js';
import type { Internet } from '../internet.js';
import { neighbourState } from '../netlink/route-messages.js';

const NUD_PERMANENT = 0x80;
const NUD_VALID = 0xde;

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}

function interfaces(internet: Internet): NetInterface[] {
  return internet.stack.network.interfaceList();
}

export function devText(internet: Internet): string {
  const lines = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
  ];
  const column = (value: number, width: number): string => String(value).padStart(width);
  for (const iface of interfaces(internet)) {
    const c = iface.counters;
    lines.push(
      `${iface.name.padStart(6)}: ${column(c.rxBytes, 7)} ${column(c.rxPackets, 7)} ${column(c.rxErrors, 4)} ${column(c.rxDropped, 4)} ` +
        `${column(0, 4)} ${column(0, 5)} ${column(0, 10)} ${column(c.multicast, 9)} ${column(c.txBytes, 8)} ${column(c.txPackets, 7)} ` +
        `${column(c.txErrors, 4)} ${column(c.txDropped, 4)} ${column(0, 4)} ${column(0, 5)} ${column(0, 7)} ${column(0, 10)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function words(address: Address): string {
  return [address.w0, address.w1, address.w2, address.w3].map((word) => hex(word, 8)).join('');
}

function swapped(word: number): string {
  const value = ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
  return value.toString(16).toUpperCase().padStart(8, '0');
}

/** IPV6_ADDR_LOOPBACK, _LINKLOCAL, global. */
function scopeOf(held: InterfaceAddress): number {
  if (held.address.isLoopback) return 0x10;
  return held.address.isLinkLocal ? 0x20 : 0;
}

export function ifInet6Text(internet: Internet): string {
  let text = '';
  for (const iface of interfaces(internet)) {
    for (const held of iface.addresses) {
      if (held.address.isV4) continue;
      const flags = held.state === 0 ? 0xc0 : 0x80;
      text += `${words(held.address)} ${hex(iface.index, 2)} ${hex(held.prefixLength, 2)} ${hex(scopeOf(held), 2)} ${hex(flags, 2)} ${iface.name.padStart(8)}\n`;
    }
  }
  return text;
}

export function arpText(internet: Internet): string {
  let text = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  for (const iface of interfaces(internet)) {
    for (const entry of iface.neighbours.list()) {
      if (!entry.address.isV4) continue;
      const state = neighbourState(entry.state);
      const flags = state === NUD_PERMANENT ? 6 : (state & NUD_VALID) !== 0 ? 2 : 0;
      const mac = [...hardwareAddress(Math.max(entry.mac, 0))].map((byte) => hex(byte, 2)).join(':');
      text += `${entry.address.toString().padEnd(16)} ${'0x1'.padEnd(11)} ${`0x${flags.toString(16)}`.padEnd(11)} ${mac}     *        ${iface.name}\n`;
    }
  }
  return text;
}

export function routeText(internet: Internet): string {
  const pad = (line: string): string => `${line.padEnd(127)}\n`;
  let text = pad('Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT');
  const { network } = internet.stack;
  for (const route of network.routing.list()) {
    if (!route.destination.isV4) continue;
    const iface = network.interfaceByIndex(route.interfaceIndex);
    const refuses = route.kind !== 'unicast';
    const flags =
      1 | (route.gateway !== null ? 2 : 0) | (route.prefixLength === 32 ? 4 : 0) | (refuses ? 0x200 : 0);
    text += pad(
      `${iface?.name ?? '*'}\t${swapped(route.destination.w3)}\t${swapped(route.gateway?.w3 ?? 0)}\t${hex(flags, 4).toUpperCase()}\t0\t0\t` +
        `${route.metric}\t${swapped(maskOf(route.prefixLength))}\t${route.mtu}\t0\t0`,
    );
  }
  return text;
}

const NOBODY = '0'.repeat(32);

export function ipv6RouteText(internet: Internet): string {
  const { network } = internet.stack;
  let text = '';
  const line = (
    to: Address,
    length: number,
    via: string,
    metric: number,
    flags: number,
    name: string,
  ): void => {
    text += `${words(to)} ${hex(length, 2)} ${NOBODY} 00 ${via} ${hex(metric, 8)} 00000001 00000000 ${hex(flags, 8)} ${name.padStart(8)}\n`;
  };
  for (const route of network.routing.list()) {
    if (route.destination.isV4) continue;
    const name = network.interfaceByIndex(route.interfaceIndex)?.name ?? 'lo';
    const flags = route.kind === 'unicast' ? (route.gateway === null ? 1 : 3) : 0x200;
    line(
      route.destination,
      route.prefixLength,
      route.gateway === null ? NOBODY : words(route.gateway),
      route.metric,
      flags,
      name,
    );
  }
  for (const iface of interfaces(internet)) {
    for (const { address } of iface.addresses) {
      if (!address.isV4) line(address, 128, NOBODY, 0, 0x80200001, iface.name);
    }
  }
  return text;
}

export function igmpText(internet: Internet): string {
  let text = 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n';
  for (const iface of interfaces(internet)) {
    const groups = iface.groups.list().filter((group) => group.isV4);
    text += `${iface.index}\t${iface.name.padEnd(10)}: ${String(groups.length + 1).padStart(5)}      V3\n`;
    for (const group of [0xe0000001, ...groups.map((each) => each.w3)]) {
      text += `\t\t\t\t${swapped(group)}     1 0:00000000\t\t0\n`;
    }
  }
  return text;
}

export function igmp6Text(internet: Internet): string {
  let text = '';
  for (const iface of interfaces(internet)) {
    const groups = iface.groups.list().filter((group) => !group.isV4);
    const line = (group: string): void => {
      text += `${String(iface.index).padEnd(4)} ${iface.name.padEnd(15)} ${group}     1 0000000C 0\n`;
    };
    for (const group of groups) line(words(group));
    line('ff020000000000000000000000000001');
    line('ff010000000000000000000000000001');
  }
  return text;
}

export function ptypeText(): string {
  return 'Type Device      Function\n0800          ip_rcv\n0806          arp_rcv\n86dd          ipv6_rcv\n';
}
