// /sys/class/net/IFACE: what sysfs tells of an interface (Documentation/ABI/testing/sysfs-class-net).
import type { NetInterface } from '@sandbox-kernel/netstack';
import { hardwareAddress, hardwareType, linkFlags } from '../interface-ioctl.js';

function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Name and text of each file. */
export function classNetFiles(iface: NetInterface): readonly (readonly [string, () => string])[] {
  const mac = hardwareAddress(iface.device.address);
  const speed = (): string => (iface.isLoopback ? '' : '10000');
  return [
    ['address', () => macText(mac)],
    ['addr_len', () => '6'],
    ['broadcast', () => (iface.isLoopback ? macText(mac) : 'ff:ff:ff:ff:ff:ff')],
    ['carrier', () => (iface.device.carrier ? '1' : '0')],
    ['dev_id', () => '0x0'],
    ['flags', () => `0x${(linkFlags(iface) & 0xffff & ~0x40).toString(16)}`],
    ['ifindex', () => String(iface.index)],
    ['iflink', () => String(iface.index)],
    ['mtu', () => String(iface.mtu)],
    ['operstate', () => (iface.isLoopback ? 'unknown' : iface.isUp ? 'up' : 'down')],
    ['speed', speed],
    ['tx_queue_len', () => '1000'],
    ['type', () => String(hardwareType(iface))],
    ['uevent', () => `INTERFACE=${iface.name}\nIFINDEX=${iface.index}`],
  ];
}

export function classNetStatistics(iface: NetInterface): readonly (readonly [string, () => string])[] {
  const c = iface.counters;
  return [
    ['rx_bytes', () => String(c.rxBytes)],
    ['rx_packets', () => String(c.rxPackets)],
    ['rx_errors', () => String(c.rxErrors)],
    ['rx_dropped', () => String(c.rxDropped)],
    ['tx_bytes', () => String(c.txBytes)],
    ['tx_packets', () => String(c.txPackets)],
    ['tx_errors', () => String(c.txErrors)],
    ['tx_dropped', () => String(c.txDropped)],
    ['multicast', () => String(c.multicast)],
    ['collisions', () => '0'],
  ];
}
