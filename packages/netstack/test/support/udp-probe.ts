// A bare transport for tests of the layers below: sends datagrams, keeps what it gets.
import type { Address } from '../../src/address.js';
import { type IcmpError, Route, type TransportProtocol } from '../../src/roles.js';
import type { Stack } from '../../src/stack.js';
import type { PacketBuffer } from '../../src/storage/packet-buffer.js';
import { finish, pseudoHeaderSum, sumBytes, verifyTransport } from '../../src/wire/checksum.js';

export interface Datagram {
  readonly from: string;
  readonly to: string;
  readonly payload: number;
  readonly good: boolean;
  readonly original: string;
}

export class UdpProbe implements TransportProtocol {
  readonly protocol = 17;
  readonly got: Datagram[] = [];
  readonly errors: { errno: number; port: number; from: string; offender: string; mtu: number }[] = [];
  /** Answer each datagram with one of this size; -1 for not. */
  echo = -1;
  /** Only on this port; 0 for all. */
  echoPort = 0;
  /** Refuse with an ICMP error. */
  closed = false;
  private readonly stack: Stack;

  constructor(stack: Stack) {
    this.stack = stack;
    stack.register(this);
  }

  send(to: Address, port: number, size = 10, sourcePort = 5000, source: Address | null = null): number {
    const route = new Route(to);
    route.source = source;
    route.broadcastAllowed = true;
    const error = this.stack.host.resolve(route);
    if (error < 0) return error;
    const packet = this.stack.pool.allocate(size + 8);
    packet.append(size + 8);
    const { view, start, end } = packet;
    view.setUint16(start, sourcePort);
    view.setUint16(start + 2, port);
    view.setUint16(start + 4, size + 8);
    view.setUint16(start + 6, 0);
    packet.bytes.fill(7, start + 8, end);
    packet.protocol = 17;
    const sum = pseudoHeaderSum(route.chosenSource as Address, to, 17, size + 8) + sumBytes(view, start, end);
    view.setUint16(start + 6, finish(sum) || 0xffff);
    return this.stack.host.send(packet, route);
  }

  deliver(packet: PacketBuffer): void {
    if (this.closed) {
      this.stack.host.refuse(packet, 0);
      return;
    }
    const { view, start } = packet;
    const source = packet.source as Address;
    const destination = packet.destination as Address;
    const sourcePort = view.getUint16(start);
    const port = view.getUint16(start + 2);
    this.got.push({
      from: `${source}:${sourcePort}`,
      to: `${destination}:${port}`,
      payload: packet.length - 8,
      // Partial means that no wire was crossed since the sender: there is nothing to check.
      good: packet.checksum !== 0 || verifyTransport(view, start, packet.end, source, destination, 17),
      original: `${this.stack.host.originalDestination(packet)}:${this.stack.host.originalDestinationPort(packet)}`,
    });
    packet.release();
    if (this.echo < 0 || (this.echoPort !== 0 && port !== this.echoPort)) return;
    this.send(source, sourcePort, this.echo, port, destination);
  }

  icmpError(packet: PacketBuffer, error: IcmpError): void {
    const port = packet.view.getUint16(packet.start + 2);
    this.errors.push({
      errno: error.errno,
      port,
      from: String(packet.destination),
      offender: String(error.offender),
      mtu: error.mtu,
    });
  }

  pmtuChanged(): void {}

  routesChanged(): void {}
}
