// NETLINK_ROUTE (rtnetlink(7)): what ip(8), getifaddrs(3) and name resolvers ask, and what root may change.
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  CAP_NET_ADMIN,
  EADDRNOTAVAIL,
  EEXIST,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESRCH,
  IFA_ADDRESS,
  IFA_LOCAL,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_BROADCAST,
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_NET_NS_PID,
  IFLA_TXQLEN,
  NDA_DST,
  NDA_LLADDR,
  NETLINK_ROUTE,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_MULTI,
  NLM_F_REPLACE,
  NUD_PERMANENT,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTAX_MTU,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELQDISC,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETADDRLABEL,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETNEIGHTBL,
  RTM_GETNEXTHOP,
  RTM_GETQDISC,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_GETTCLASS,
  RTM_GETTFILTER,
  RTM_NEWADDR,
  RTM_NEWADDRLABEL,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWQDISC,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTM_SETLINK,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import {
  Address,
  type InterfaceAddress,
  type NetInterface,
  type RouteEntry,
  type RouteOptions,
} from '@sandbox-kernel/netstack';
import type { Internet } from '../internet.js';
import {
  addAddress,
  addRoute,
  type ChangeSink,
  changeMtu,
  removeAddress,
  setLinkUp,
} from '../link-control.js';
import { viewOf } from '../option-bytes.js';
import { MessageWriter, type NetlinkRequest, number32, parseAttributes, text } from './message.js';
import type { NetlinkProtocol, NetlinkSocket } from './netlink-socket.js';
import {
  ADDRESS_LABELS,
  familyNumber,
  writeAddress,
  writeLabel,
  writeLink,
  writeLocalRoute,
  writeNeighbour,
  writeQueue,
  writeRoute,
  writeRule,
  writeWay,
} from './route-messages.js';
import { inTableOrder } from './route-order.js';
import { checkDump } from './strict.js';

type Part = (writer: MessageWriter) => void;
const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;
const NDMSG = 12;
/** Modifying requests are those whose number is not 2 modulo 4 (GET). */
const GET = 2;
/** What can't be changed of a link. */
const FIXED = [
  IFLA_ADDRESS,
  IFLA_BROADCAST,
  IFLA_TXQLEN,
  IFLA_MASTER,
  IFLA_IFALIAS,
  IFLA_NET_NS_PID,
  IFLA_NET_NS_FD,
];

export class RouteProtocol implements NetlinkProtocol, ChangeSink {
  readonly groups = 36;
  readonly privileged = false;
  readonly #internet: Internet;

  constructor(internet: Internet) {
    this.#internet = internet;
  }

  handle(task: Task, socket: NetlinkSocket, request: NetlinkRequest): number {
    if ((request.type & 3) !== GET && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
    if (request.body.length < 1) return -EINVAL;
    const dump = (request.flags & NLM_F_DUMP) !== 0;
    if (dump && socket.isStrict && !checkDump(socket, request)) return 0;
    switch (request.type) {
      case RTM_GETLINK:
        return dump ? this.dumpLinks(socket, request) : this.getLink(socket, request);
      case RTM_GETADDR:
        return dump ? this.dumpAddresses(socket, request) : -EOPNOTSUPP;
      case RTM_GETROUTE:
        return dump ? this.dumpRoutes(socket, request) : this.getRoute(task, socket, request);
      case RTM_GETNEIGH:
        return dump
          ? this.dumpNeighbours(socket, request)
          : socket.refuse(-ENOENT, 'Neighbour entry not found');
      case RTM_GETRULE:
        return dump ? this.dumpRules(socket, request) : -EOPNOTSUPP;
      case RTM_GETQDISC:
        return dump ? this.dumpQueues(socket, request) : -EOPNOTSUPP;
      case RTM_GETADDRLABEL:
        return dump ? socket.dump(request, this.labels(socket, request)) : -EOPNOTSUPP;
      case RTM_GETTCLASS:
      case RTM_GETTFILTER:
      case RTM_GETNEIGHTBL:
      case RTM_GETNEXTHOP:
        return dump ? socket.dump(request, []) : -EOPNOTSUPP;
      default:
        return this.modify(socket, request);
    }
  }

  private modify(socket: NetlinkSocket, request: NetlinkRequest): number {
    this.#internet.touch();
    switch (request.type) {
      case RTM_NEWLINK:
      case RTM_SETLINK:
        return this.setLink(socket, request);
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return this.changeAddress(socket, request);
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return this.changeRoute(socket, request);
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH:
        return this.changeNeighbour(request);
      case RTM_DELLINK:
        return this.linkOf(request) === null ? -ENODEV : -EOPNOTSUPP;
      case RTM_NEWQDISC:
        return socket.refuse(-ENOENT, 'Specified qdisc kind is unknown');
      case RTM_DELQDISC:
        return socket.refuse(-ENOENT, 'Cannot delete qdisc with handle of zero');
      default:
        return -EOPNOTSUPP;
    }
  }

  // ── links ──

  private part(
    type: number,
    flags: number,
    socket: NetlinkSocket,
    request: NetlinkRequest,
    body: Part,
  ): Part {
    return (writer) => {
      writer.begin(type, flags, request.seq, socket.portId);
      body(writer);
      writer.end();
    };
  }

  private dumpLinks(socket: NetlinkSocket, request: NetlinkRequest): number {
    const parts = this.#internet.stack.network
      .interfaceList()
      .map((iface) =>
        this.part(RTM_NEWLINK, NLM_F_MULTI, socket, request, (writer) => writeLink(writer, iface)),
      );
    return socket.dump(request, parts);
  }

  private getLink(socket: NetlinkSocket, request: NetlinkRequest): number {
    const iface = this.linkOf(request);
    if (iface === null) return -ENODEV;
    const writer = new MessageWriter();
    this.part(RTM_NEWLINK, 0, socket, request, (into) => writeLink(into, iface))(writer);
    socket.answer(writer);
    return 0;
  }

  /** No interface queues: each has the discipline that Linux gives those. */
  private dumpQueues(socket: NetlinkSocket, request: NetlinkRequest): number {
    const parts = this.#internet.stack.network
      .interfaceList()
      .filter((iface) => iface.isUp)
      .map((iface) =>
        this.part(RTM_NEWQDISC, NLM_F_MULTI, socket, request, (writer) => writeQueue(writer, iface)),
      );
    return socket.dump(request, parts);
  }

  private labels(socket: NetlinkSocket, request: NetlinkRequest): Part[] {
    return ADDRESS_LABELS.map(([prefix, length, label]) =>
      this.part(RTM_NEWADDRLABEL, NLM_F_MULTI, socket, request, (writer) =>
        writeLabel(writer, prefix, length, label),
      ),
    );
  }

  private linkOf(request: NetlinkRequest): NetInterface | null {
    if (request.body.length < IFINFOMSG) return null;
    const index = viewOf(request.body).getInt32(4, true);
    const { network } = this.#internet.stack;
    if (index > 0) return network.interfaceByIndex(index);
    const name = text(parseAttributes(request.body, IFINFOMSG).get(IFLA_IFNAME));
    return network.interfaceList().find((iface) => iface.name === name) ?? null;
  }

  private setLink(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < IFINFOMSG) return -EINVAL;
    const iface = this.linkOf(request);
    const view = viewOf(request.body);
    if (iface === null) {
      const makes = (request.flags & NLM_F_CREATE) !== 0 && view.getInt32(4, true) === 0;
      return makes ? socket.refuse(-EOPNOTSUPP, 'Unknown device type') : -ENODEV;
    }
    if ((request.flags & NLM_F_EXCL) !== 0) return -EEXIST;
    const attributes = parseAttributes(request.body, IFINFOMSG);
    const name = text(attributes.get(IFLA_IFNAME));
    if (FIXED.some((type) => attributes.has(type)) || (name !== '' && name !== iface.name))
      return -EOPNOTSUPP;
    const mtu = number32(attributes, IFLA_MTU, iface.mtu);
    if (mtu !== iface.mtu) {
      const result = changeMtu(this.#internet, iface, mtu);
      if (result !== 0) return result;
    }
    const change = view.getUint32(12, true);
    const flags = view.getUint32(8, true);
    if ((change & IFF_UP) === 0 && (change !== 0 || (flags & IFF_UP) === 0)) return 0;
    return setLinkUp(this.#internet, iface, (flags & IFF_UP) !== 0);
  }

  // ── addresses ──

  private dumpAddresses(socket: NetlinkSocket, request: NetlinkRequest): number {
    const family = request.body[0] as number;
    const wanted = request.body.length >= IFADDRMSG ? viewOf(request.body).getUint32(4, true) : 0;
    const { network } = this.#internet.stack;
    const parts: Part[] = [];
    // One family after the other, as Linux dumps them.
    const families = family === AF_UNSPEC ? [AF_INET, AF_INET6] : [family];
    for (const [each, iface] of families.flatMap((one) =>
      network.interfaceList().map((iface) => [one, iface] as const),
    )) {
      if (wanted !== 0 && wanted !== iface.index) continue;
      for (const held of each === AF_INET6 ? byScope(iface) : iface.addresses) {
        if (each !== familyNumber(held.address)) continue;
        parts.push(
          this.part(RTM_NEWADDR, NLM_F_MULTI, socket, request, (writer) =>
            writeAddress(writer, iface, held, network.now()),
          ),
        );
      }
    }
    return socket.dump(request, parts);
  }

  private changeAddress(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < IFADDRMSG) return -EINVAL;
    const attributes = parseAttributes(request.body, IFADDRMSG);
    const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    const iface = this.#internet.stack.network.interfaceByIndex(viewOf(request.body).getUint32(4, true));
    const address = bytes === undefined ? null : addressOf(request.body[0] as number, bytes);
    const family = request.body[0] as number;
    if (address === null)
      return family === AF_INET && request.type === RTM_NEWADDR
        ? socket.refuse(-EINVAL, 'ipv4: Local address is not supplied')
        : -EINVAL;
    const prefixLength = request.body[1] as number;
    if (request.type === RTM_NEWADDR && prefixLength > address.bits)
      return socket.refuse(-EINVAL, address.isV4 ? 'ipv4: Invalid prefix length' : 'Invalid prefix length');
    if (iface === null) return -ENODEV;
    return this.explainAddress(
      socket,
      address,
      request.type === RTM_DELADDR
        ? removeAddress(this.#internet, iface, address)
        : addAddress(this.#internet, iface, address, prefixLength),
    );
  }

  private explainAddress(socket: NetlinkSocket, address: Address, result: number): number {
    const v4 = address.isV4;
    if (result === -EEXIST)
      return socket.refuse(result, v4 ? 'ipv4: Address already assigned' : 'ipv6: address already assigned');
    if (result === -EADDRNOTAVAIL)
      return socket.refuse(result, v4 ? 'ipv4: Address not found' : 'ipv6: address not found');
    if (result === -EINVAL && !v4 && address.isMulticast)
      return socket.refuse(result, 'ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag');
    return result;
  }

  // ── routes ──

  private dumpRoutes(socket: NetlinkSocket, request: NetlinkRequest): number {
    const family = request.body[0] as number;
    const { network } = this.#internet.stack;
    const parts: Part[] = [];
    const add = (body: Part): void => {
      parts.push(this.part(RTM_NEWROUTE, NLM_F_MULTI, socket, request, body));
    };
    const table =
      request.body.length >= RTMSG ? number32(parseAttributes(request.body, RTMSG), RTA_TABLE, 0) : 0;
    if (table === 0 || table === RT_TABLE_MAIN) {
      for (const route of inTableOrder(network.routing.list())) {
        if (family === AF_UNSPEC || family === familyNumber(route.destination)) {
          add((writer) => writeRoute(writer, route, RT_TABLE_MAIN));
        }
      }
    }
    if (table === 0 || table === RT_TABLE_LOCAL) this.addLocalRoutes(family, add);
    return socket.dump(request, parts);
  }

  /** What Linux keeps in its local table, netstack knows from its addresses. */
  private addLocalRoutes(family: number, add: (body: Part) => void): void {
    const entries: LocalEntry[] = [];
    for (const iface of this.#internet.stack.network.interfaceList()) {
      if (!iface.isUp) continue;
      for (const held of iface.addresses) {
        if (family === AF_UNSPEC || family === familyNumber(held.address))
          entries.push(...localEntries(iface, held));
      }
    }
    for (const { destination, prefixLength, source, index, broadcast } of inTableOrder(entries))
      add((writer) => writeLocalRoute(writer, index, destination, prefixLength, source, broadcast));
  }

  /** `ip route get`: the way that a packet would take. */
  private getRoute(task: Task, socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < RTMSG) return -EINVAL;
    const attributes = parseAttributes(request.body, RTMSG);
    const bytes = attributes.get(RTA_DST);
    const family = request.body[0] as number;
    const destination = bytes === undefined ? null : addressOf(family, bytes);
    if (destination === null) return -EINVAL;
    const { network } = this.#internet.stack;
    const route = network.borrowRoute(destination);
    route.boundInterface = number32(attributes, RTA_OIF, 0);
    const result = network.resolve(route);
    const { nextHop, chosenSource: source, interfaceIndex, isLocal } = route;
    network.returnRoute(route);
    if (result < 0) return result;
    const entry = isLocal ? null : this.routeTo(destination, interfaceIndex);
    const writer = new MessageWriter().begin(RTM_NEWROUTE, 0, request.seq, socket.portId);
    writeWay(writer, { destination, nextHop, source, interfaceIndex, isLocal, entry }, task.credentials.uid);
    socket.answer(writer.end());
    return 0;
  }

  private routeTo(destination: Address, outInterface: number): RouteEntry | null {
    const nowhere = { source: null, inInterface: 0, mark: 0, tos: 0, uid: 0, onLinkOnly: false };
    return this.#internet.stack.network.routing.lookup({ ...nowhere, destination, outInterface });
  }

  /** IPv6 takes no router that is this machine, or lies behind lo. */
  private checkGateway(gateway: Address | null): number {
    const { network } = this.#internet.stack;
    if (gateway === null || gateway.isV4) return 0;
    if (network.isLocalAddress(gateway, 0)) return -EINVAL;
    return this.routeTo(gateway, 0)?.interfaceIndex === network.loopback.index ? -EHOSTUNREACH : 0;
  }

  private checkRoute(socket: NetlinkSocket, options: RouteOptions): number {
    const { network } = this.#internet.stack;
    const source = options.preferredSource ?? null;
    if (source !== null && !network.isLocalAddress(source, 0))
      return socket.refuse(-EINVAL, source.isV4 ? 'Invalid prefsrc address' : 'Invalid source address');
    const refused = this.checkGateway(options.gateway ?? null);
    return refused === -EINVAL ? socket.refuse(refused, 'Gateway can not be a local address') : refused;
  }

  private isTaken(destination: Address, prefixLength: number, metric: number, table: number): boolean {
    const prefix = destination.prefix(prefixLength);
    return this.#internet.stack.network.routing
      .list(table)
      .some(
        (route) =>
          route.prefixLength === prefixLength && route.metric === metric && route.destination.equals(prefix),
      );
  }

  private changeRoute(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < RTMSG) return -EINVAL;
    const { body } = request;
    const attributes = parseAttributes(body, RTMSG);
    const family = body[0] as number;
    if (family !== AF_INET && family !== AF_INET6) return -EPROTONOSUPPORT;
    const prefixLength = body[1] as number;
    const any = addressOf(family, new Uint8Array(family === AF_INET ? 4 : 16)) as Address;
    const bytes = attributes.get(RTA_DST);
    const destination = bytes === undefined ? any : addressOf(family, bytes);
    if (prefixLength > any.bits) return socket.refuse(-EINVAL, 'Invalid prefix length');
    if (destination === null) return -EINVAL;
    if (destination.isV4 && !destination.equals(destination.prefix(prefixLength)))
      return socket.refuse(-EINVAL, 'Invalid prefix for given prefix length');
    const table = number32(attributes, RTA_TABLE, body[4] as number) || RT_TABLE_MAIN;
    const gateway = optionalAddress(family, attributes.get(RTA_GATEWAY));
    const interfaceIndex = number32(attributes, RTA_OIF, 0);
    if (request.type === RTM_DELROUTE) {
      return this.deleteRoute(destination, prefixLength, table, gateway, interfaceIndex, attributes);
    }
    const options = routeOptions(body[7] as number, family, attributes, gateway, interfaceIndex);
    if (options === null) return -EINVAL;
    const refused = this.checkRoute(socket, options);
    if (refused !== 0) return refused;
    // One route for a prefix and metric, whatever its router, unless it is to be appended.
    if (
      (request.flags & NLM_F_EXCL) !== 0 &&
      this.isTaken(destination, prefixLength, options.metric ?? 0, table)
    )
      return -EEXIST;
    if ((request.flags & NLM_F_REPLACE) !== 0) {
      this.deleteRoute(destination, prefixLength, table, null, 0, new Map());
    }
    const result = addRoute(this.#internet, destination, prefixLength, options, table);
    if (result === -EINVAL && gateway !== null && interfaceIndex === 0)
      return gateway.isV4 ? socket.refuse(-ENETUNREACH, 'Nexthop has invalid gateway') : -EHOSTUNREACH;
    if (result === 0) {
      const prefix = destination.prefix(prefixLength);
      const route = this.#internet.stack.network.routing
        .list(table)
        .find((each) => each.prefixLength === prefixLength && each.destination.equals(prefix));
      if (route !== undefined) this.routeChanged(RTM_NEWROUTE, route, table);
    }
    return result;
  }

  private deleteRoute(
    destination: Address,
    prefixLength: number,
    table: number,
    gateway: Address | null,
    interfaceIndex: number,
    attributes: ReadonlyMap<number, Uint8Array>,
  ): number {
    const metric = number32(attributes, RTA_PRIORITY, -1);
    const matches = (route: RouteEntry): boolean =>
      route.prefixLength === prefixLength &&
      route.destination.equals(destination.prefix(prefixLength)) &&
      (gateway === null || route.gateway?.equals(gateway) === true) &&
      (interfaceIndex === 0 || route.interfaceIndex === interfaceIndex) &&
      (metric < 0 || route.metric === metric);
    const { stack } = this.#internet;
    // One route at a time, and the first of the table: as Linux does.
    const gone = inTableOrder(stack.network.routing.list(table)).find(matches);
    if (gone === undefined || stack.removeRoute((route) => route === gone, table) < 0) return -ESRCH;
    this.routeChanged(RTM_DELROUTE, gone, table);
    return 0;
  }

  private routeChanged(type: number, route: RouteEntry, table: number): void {
    const group = route.destination.isV4 ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
    const { netlink } = this.#internet;
    if (!netlink.heard(NETLINK_ROUTE, group)) return;
    const writer = new MessageWriter().begin(type, 0, 0, 0);
    writeRoute(writer, route, table);
    netlink.publish(NETLINK_ROUTE, group, writer.end().take());
  }

  // ── neighbours, rules ──

  private dumpNeighbours(socket: NetlinkSocket, request: NetlinkRequest): number {
    const family = request.body[0] as number;
    const parts: Part[] = [];
    for (const iface of this.#internet.stack.network.interfaceList()) {
      for (const entry of iface.neighbours.list()) {
        if (family !== AF_UNSPEC && family !== familyNumber(entry.address)) continue;
        parts.push(
          this.part(RTM_NEWNEIGH, NLM_F_MULTI, socket, request, (writer) =>
            writeNeighbour(writer, iface, entry),
          ),
        );
      }
    }
    return socket.dump(request, parts);
  }

  private changeNeighbour(request: NetlinkRequest): number {
    if (request.body.length < NDMSG) return -EINVAL;
    const attributes = parseAttributes(request.body, NDMSG);
    const view = viewOf(request.body);
    const iface = this.#internet.stack.network.interfaceByIndex(view.getInt32(4, true));
    const bytes = attributes.get(NDA_DST);
    const address = bytes === undefined ? null : addressOf(request.body[0] as number, bytes);
    if (address === null) return -EINVAL;
    if (iface === null) return -ENODEV;
    if (request.type === RTM_DELNEIGH) return iface.neighbours.remove(address) ? 0 : -ENOENT;
    const mac = attributes.get(NDA_LLADDR);
    if (mac === undefined || mac.length !== 6) return -EINVAL;
    if ((view.getUint16(8, true) & NUD_PERMANENT) === 0) return -EOPNOTSUPP;
    iface.neighbours.setPermanent(
      address,
      mac.reduce((sum, byte) => sum * 256 + byte, 0),
    );
    return 0;
  }

  private dumpRules(socket: NetlinkSocket, request: NetlinkRequest): number {
    const family = (request.body[0] as number) || AF_INET;
    const parts = this.#internet.stack.network.routing
      .listRules()
      // IPv6 has no table `default`.
      .filter(({ table }) => family === AF_INET || table !== RT_TABLE_DEFAULT)
      .map((rule) =>
        this.part(RTM_NEWRULE, NLM_F_MULTI, socket, request, (writer) => writeRule(writer, rule, family)),
      );
    return socket.dump(request, parts);
  }

  // ── notifications ──

  linkChanged(iface: NetInterface): void {
    const { netlink } = this.#internet;
    if (!netlink.heard(NETLINK_ROUTE, RTNLGRP_LINK)) return;
    const writer = new MessageWriter().begin(RTM_NEWLINK, 0, 0, 0);
    writeLink(writer, iface);
    netlink.publish(NETLINK_ROUTE, RTNLGRP_LINK, writer.end().take());
  }

  addressChanged(iface: NetInterface, address: Address, prefix: number, added: boolean): void {
    const { netlink, stack } = this.#internet;
    const group = address.isV4 ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
    if (!netlink.heard(NETLINK_ROUTE, group)) return;
    const writer = new MessageWriter().begin(added ? RTM_NEWADDR : RTM_DELADDR, 0, 0, 0);
    const held = iface.findAddress(address);
    if (held !== null) writeAddress(writer, iface, held, stack.network.now());
    else {
      writer
        .u8(familyNumber(address), prefix, 0, 0)
        .u32(iface.index)
        .attribute(IFA_ADDRESS, address.toBytes())
        .attribute(IFA_LOCAL, address.toBytes());
    }
    netlink.publish(NETLINK_ROUTE, group, writer.end().take());
  }
}

interface LocalEntry {
  readonly destination: Address;
  readonly prefixLength: number;
  readonly metric: number;
  readonly source: Address;
  readonly index: number;
  readonly broadcast: boolean;
}

function localEntries(iface: NetInterface, held: InterfaceAddress): LocalEntry[] {
  const { address, prefixLength, broadcast } = held;
  const common = { metric: 0, source: address, index: iface.index, broadcast: false };
  const entries = [{ ...common, destination: address, prefixLength: address.bits }];
  if (iface.isLoopback && address.isV4 && prefixLength < 32)
    entries.push({ ...common, destination: address.prefix(prefixLength), prefixLength });
  if (broadcast !== null)
    entries.push({ ...common, destination: broadcast, prefixLength: 32, broadcast: true });
  return entries;
}

function addressOf(family: number, bytes: Uint8Array): Address | null {
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  return size === 0 || bytes.length < size ? null : Address.fromBytes(bytes.slice(0, size));
}

function optionalAddress(family: number, bytes: Uint8Array | undefined): Address | null {
  return bytes === undefined ? null : addressOf(family, bytes);
}

/** What a route is beside its destination; null for a type that there is not. */
function routeOptions(
  type: number,
  family: number,
  attributes: ReadonlyMap<number, Uint8Array>,
  gateway: Address | null,
  interfaceIndex: number,
): RouteOptions | null {
  const metrics = attributes.get(RTA_METRICS);
  const common = {
    gateway,
    interfaceIndex,
    metric: number32(attributes, RTA_PRIORITY, family === AF_INET6 ? 1024 : 0),
    preferredSource: optionalAddress(family, attributes.get(RTA_PREFSRC)),
    mtu: metrics === undefined ? 0 : number32(parseAttributes(metrics, 0), RTAX_MTU, 0),
  };
  switch (type) {
    case 0:
    case RTN_UNICAST:
      return common;
    case RTN_BLACKHOLE:
      return { ...common, kind: 'blackhole' };
    case RTN_UNREACHABLE:
      return { ...common, kind: 'unreachable' };
    case RTN_PROHIBIT:
      return { ...common, kind: 'prohibit' };
    default:
      return null;
  }
}

/** IPv6 addresses as Linux keeps them: those of wider scope first, of one scope the latest. */
function byScope(iface: NetInterface): readonly InterfaceAddress[] {
  const rank = ({ address }: InterfaceAddress): number =>
    address.isLoopback ? 1 : address.isLinkLocal ? 2 : 14;
  return iface.addresses.toReversed().sort((a, b) => rank(b) - rank(a));
}
