// Interface ioctls on any internet socket (netdevice(7)): SIOCGIF*, SIOCSIF*, SIOCGIFCONF, and routes of old (SIOCADDRT).
import {
  AF_INET,
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  ARPHRD_NONE,
  CAP_NET_ADMIN,
  EADDRNOTAVAIL,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOTTY,
  EOPNOTSUPP,
  EPERM,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
  IFF_RUNNING,
  IFF_UP,
  SIOCADDRT,
  SIOCDELRT,
  SIOCETHTOOL,
  SIOCGIFADDR,
  SIOCGIFBRDADDR,
  SIOCGIFCONF,
  SIOCGIFDSTADDR,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCGIFMAP,
  SIOCGIFMETRIC,
  SIOCGIFMTU,
  SIOCGIFNAME,
  SIOCGIFNETMASK,
  SIOCGIFTXQLEN,
  SIOCSIFADDR,
  SIOCSIFBRDADDR,
  SIOCSIFDSTADDR,
  SIOCSIFFLAGS,
  SIOCSIFMTU,
  SIOCSIFNETMASK,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import { Address, type InterfaceAddress, type NetInterface } from '@sandbox-kernel/netstack';
import type { Internet } from './internet.js';
import { addAddress, changeMtu, removeAddress, setLinkUp } from './link-control.js';
import { viewOf } from './option-bytes.js';

/** sizeof(struct ifreq). */
const IFREQ = 40;
const NAME = 16;

/** net_device flags as SIOCGIFFLAGS and RTM_GETLINK tell them. */
export function linkFlags(iface: NetInterface): number {
  let flags = iface.isUp ? IFF_UP : 0;
  if (iface.isUp && iface.device.carrier) flags |= IFF_RUNNING | IFF_LOWER_UP;
  if (iface.isLoopback) flags |= IFF_LOOPBACK;
  else if (iface.isEthernet) flags |= IFF_BROADCAST | IFF_MULTICAST;
  else flags |= IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
  return flags;
}

export function hardwareType(iface: NetInterface): number {
  return iface.isLoopback ? ARPHRD_LOOPBACK : iface.isEthernet ? ARPHRD_ETHER : ARPHRD_NONE;
}

/** Six bytes; zeros on loopback. */
export function hardwareAddress(mac: number): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let i = 0, left = mac; i < 6; i++) {
    bytes[5 - i] = left % 256;
    left = Math.floor(left / 256);
  }
  return bytes;
}

function nameOf(bytes: Uint8Array): string {
  let name = '';
  for (const byte of bytes.subarray(0, NAME - 1)) {
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}

export function interfaceIoctl(
  internet: Internet,
  _isV6: boolean,
  caller: Caller,
  request: number,
  argument: number,
): number {
  if (request === SIOCGIFCONF) return listAddresses(internet, caller, argument);
  if (request === SIOCADDRT || request === SIOCDELRT) {
    return caller.credentials.hasCapability(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
  }
  if (request < SIOCGIFNAME || request > SIOCETHTOOL + 0x80) return -ENOTTY;
  const bytes = new Uint8Array(IFREQ);
  if (caller.memory.copyIn(argument, bytes, 0, IFREQ) !== IFREQ) return -EFAULT;
  const result =
    request === SIOCGIFNAME ? nameByIndex(internet, bytes) : perform(internet, caller, request, bytes);
  if (result < 0) return result;
  return caller.memory.copyOut(argument, bytes, 0, IFREQ) === IFREQ ? 0 : -EFAULT;
}

function nameByIndex(internet: Internet, bytes: Uint8Array): number {
  const iface = internet.stack.network.interfaceByIndex(viewOf(bytes).getInt32(NAME, true));
  if (iface === null) return -ENODEV;
  bytes.fill(0, 0, NAME);
  for (let i = 0; i < iface.name.length; i++) bytes[i] = iface.name.charCodeAt(i);
  return 0;
}

function perform(internet: Internet, caller: Caller, request: number, bytes: Uint8Array): number {
  const name = nameOf(bytes).split(':')[0] as string;
  const iface = internet.stack.network.interfaceList().find((each) => each.name === name);
  if (iface === undefined) return isInterfaceRequest(request) ? -ENODEV : -ENOTTY;
  const view = viewOf(bytes);
  switch (request) {
    case SIOCGIFFLAGS:
      view.setUint16(NAME, linkFlags(iface) & 0xffff, true);
      return 0;
    case SIOCGIFINDEX:
      view.setInt32(NAME, iface.index, true);
      return 0;
    case SIOCGIFMTU:
      view.setInt32(NAME, iface.mtu, true);
      return 0;
    case SIOCGIFMETRIC:
      view.setInt32(NAME, 0, true);
      return 0;
    case SIOCGIFTXQLEN:
      view.setInt32(NAME, 1000, true);
      return 0;
    case SIOCGIFMAP:
      bytes.fill(0, NAME);
      return 0;
    case SIOCGIFHWADDR:
      bytes.fill(0, NAME);
      view.setUint16(NAME, hardwareType(iface), true);
      bytes.set(hardwareAddress(iface.device.address), NAME + 2);
      return 0;
    default:
      return isSetRequest(request)
        ? change(internet, caller, iface, request, bytes)
        : addressOf(iface, request, bytes);
  }
}

function isInterfaceRequest(request: number): boolean {
  return request >= SIOCGIFNAME && request <= SIOCGIFTXQLEN + 1;
}

function isSetRequest(request: number): boolean {
  return [SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFBRDADDR, SIOCSIFDSTADDR, SIOCSIFMTU].includes(
    request,
  );
}

function firstV4(iface: NetInterface): InterfaceAddress | undefined {
  return iface.addresses.find((held) => held.address.isV4);
}

function putAddress(bytes: Uint8Array, word: number): number {
  const view = viewOf(bytes);
  bytes.fill(0, NAME, NAME + 16);
  view.setUint16(NAME, AF_INET, true);
  view.setInt32(NAME + 4, word);
  return 0;
}

function addressOf(iface: NetInterface, request: number, bytes: Uint8Array): number {
  const held = firstV4(iface);
  const wanted = [SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFDSTADDR].includes(request);
  if (!wanted) return request === SIOCETHTOOL ? -EOPNOTSUPP : -ENOTTY;
  if (held === undefined) return -EADDRNOTAVAIL;
  if (request === SIOCGIFNETMASK) return putAddress(bytes, maskOf(held.prefixLength));
  if (request === SIOCGIFBRDADDR) return putAddress(bytes, iface.isLoopback ? 0 : (held.broadcast?.w3 ?? 0));
  return putAddress(bytes, held.address.w3);
}

export function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) | 0;
}

function change(
  internet: Internet,
  caller: Caller,
  iface: NetInterface,
  request: number,
  bytes: Uint8Array,
): number {
  if (!caller.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  const view = viewOf(bytes);
  if (request === SIOCSIFFLAGS)
    return setLinkUp(internet, iface, (view.getUint16(NAME, true) & IFF_UP) !== 0);
  if (request === SIOCSIFMTU) return changeMtu(internet, iface, view.getInt32(NAME, true));
  if (view.getUint16(NAME, true) !== AF_INET) return -EINVAL;
  const address = Address.v4(view.getInt32(NAME + 4));
  const held = firstV4(iface);
  if (request === SIOCSIFADDR) {
    if (held !== undefined) removeAddress(internet, iface, held.address);
    return address.isUnspecified ? 0 : addAddress(internet, iface, address, classLength(address));
  }
  if (held === undefined) return -EADDRNOTAVAIL;
  if (request !== SIOCSIFNETMASK) return 0;
  const length = 32 - Math.clz32(~view.getInt32(NAME + 4));
  removeAddress(internet, iface, held.address);
  return addAddress(internet, iface, held.address, 32 - length);
}

/** The prefix that an address had before CIDR. */
function classLength(address: Address): number {
  const first = address.w3 >>> 24;
  return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
}

/** struct ifconf: the IPv4 addresses of interfaces that have one; with a null buffer, how much room they need. */
function listAddresses(internet: Internet, caller: Caller, argument: number): number {
  const { memory } = caller;
  const room = memory.readU32(argument);
  const low = memory.readU32(argument + 8);
  const high = memory.readU32(argument + 12);
  if (room < 0 || low < 0 || high < 0) return -EFAULT;
  const buffer = high * 2 ** 32 + low;
  let used = 0;
  for (const iface of internet.stack.network.interfaceList()) {
    const held = firstV4(iface);
    if (held === undefined) continue;
    if (buffer !== 0) {
      if ((room | 0) - used < IFREQ) break;
      const bytes = new Uint8Array(IFREQ);
      for (let i = 0; i < iface.name.length; i++) bytes[i] = iface.name.charCodeAt(i);
      putAddress(bytes, held.address.w3);
      if (memory.copyOut(buffer + used, bytes, 0, IFREQ) !== IFREQ) return -EFAULT;
    }
    used += IFREQ;
  }
  return memory.writeU32(argument, used) < 0 ? -EFAULT : 0;
}
