// Changes to interfaces, addresses and routes, however they are asked for (ioctl, netlink): done in the stack and told to listeners.
import { EINVAL, EOPNOTSUPP } from '@sandbox-kernel/abi';
import type { Address, NetInterface, RouteOptions } from '@sandbox-kernel/netstack';
import type { Internet } from './internet.js';

const LEAST_MTU = 68;

export function setLinkUp(internet: Internet, iface: NetInterface, up: boolean): number {
  internet.touch();
  if (iface.isUp === up) return 0;
  internet.stack.setUp(iface, up);
  internet.changes.linkChanged(iface);
  return 0;
}

/** The largest MTU is the device's own: packets can't grow beyond what it takes. */
export function changeMtu(internet: Internet, iface: NetInterface, mtu: number): number {
  if (mtu < LEAST_MTU || mtu > iface.device.mtu) return -EINVAL;
  internet.touch();
  iface.mtu = mtu;
  internet.stack.network.interfaceChanged(iface);
  internet.changes.linkChanged(iface);
  return 0;
}

export function addAddress(
  internet: Internet,
  iface: NetInterface,
  address: Address,
  prefix: number,
): number {
  internet.touch();
  const result = internet.stack.addAddress(iface, address, prefix);
  if (result === 0) internet.changes.addressChanged(iface, address, prefix, true);
  return result;
}

export function removeAddress(internet: Internet, iface: NetInterface, address: Address): number {
  const held = iface.findAddress(address);
  internet.touch();
  const result = internet.stack.removeAddress(iface, address);
  if (result === 0 && held !== null) {
    internet.changes.addressChanged(iface, address, held.prefixLength, false);
  }
  return result;
}

export function addRoute(
  internet: Internet,
  destination: Address,
  prefix: number,
  options: RouteOptions,
  table: number,
): number {
  internet.touch();
  return options.kind === 'local'
    ? -EOPNOTSUPP
    : internet.stack.addRoute(destination, prefix, options, table);
}

/** Who tells programs of changes. */
export interface ChangeSink {
  linkChanged(iface: NetInterface): void;
  addressChanged(iface: NetInterface, address: Address, prefix: number, added: boolean): void;
}
