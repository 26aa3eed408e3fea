// A network of one stack for tests of its filters: what Netfilter needs of an Internet, traffic on loopback, a listening netlink socket.
import { Address, type PacketBuffer, Route, Stack, type TransportProtocol } from '@sandbox-kernel/netstack';
import type { Internet } from '../../src/internet.js';
import { Netfilter } from '../../src/netfilter/netfilter.js';
import { NetfilterProtocol } from '../../src/netfilter/nft/netfilter-protocol.js';
import { NetlinkBus } from '../../src/netlink/bus.js';
import { MessageWriter, type NetlinkRequest, parseRequests } from '../../src/netlink/message.js';
import type { NetlinkSocket } from '../../src/netlink/netlink-socket.js';

const LOOPBACK = Address.of('127.0.0.1');

/** xorshift: the same numbers in every run. */
class Seeded {
  private state = 0x2545f491;

  next32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }
}

export const ROOT = { credentials: { hasCapability: () => true }, group: { pid: 1 }, comm: 'nft' } as never;
export const NOBODY = {
  credentials: { hasCapability: () => false },
  group: { pid: 2 },
  comm: 'nft',
} as never;

/** See Probe. */
export class FilterWorld {
  readonly stack: Stack;
  readonly netfilter: Netfilter;
  readonly protocol: NetfilterProtocol;
  /** Errors of acknowledgements, in order. */
  readonly acknowledged: number[] = [];
  /** Messages that were answered. */
  readonly answers: Uint8Array[] = [];
  readonly socket: NetlinkSocket;
  private readonly probe: Probe;
  private now = 0;

  constructor() {
    this.stack = new Stack({ random: new Seeded() });
    this.probe = new Probe(this.stack);
    const netlink = new NetlinkBus();
    const internet = { stack: this.stack, sockets: [], netlink, touch: () => undefined };
    this.netfilter = new Netfilter(internet as unknown as Internet);
    this.protocol = new NetfilterProtocol({ ...internet, netfilter: this.netfilter } as unknown as Internet);
    const { acknowledged, answers } = this;
    this.socket = {
      portId: 7,
      acknowledge: (_request: NetlinkRequest, error: number) => acknowledged.push(error),
      answer: (writer: MessageWriter) => answers.push(writer.take()),
      deliver: (bytes: Uint8Array) => answers.push(bytes),
      dump: (_request: NetlinkRequest, parts: Iterable<(writer: MessageWriter) => void>) =>
        this.collect(parts),
    } as unknown as NetlinkSocket;
  }

  private collect(parts: Iterable<(writer: MessageWriter) => void>): number {
    for (const part of parts) {
      const writer = new MessageWriter();
      part(writer);
      this.answers.push(writer.take());
    }
    return 0;
  }

  /** What a program sends in one datagram; as NetlinkSocket does it. */
  send(bytes: Uint8Array, task = ROOT): void {
    const requests = parseRequests(bytes);
    if (this.protocol.handleBatch(task, this.socket, requests)) return;
    for (const request of requests) {
      const error = this.protocol.handle(task, this.socket, request);
      this.acknowledged.push(error);
    }
  }

  /** Lets one datagram go over loopback; the port at which it arrived, or 0. */
  passes(port: number): number {
    this.probe.arrived = 0;
    this.now += 1000;
    this.stack.setTime(this.now);
    this.probe.send(port);
    this.stack.poll(this.now);
    return this.probe.arrived;
  }
}

/** A transport that sends bare datagrams to itself. */
class Probe implements TransportProtocol {
  readonly protocol = 17;
  arrived = 0;
  private readonly stack: Stack;
  private source = 5000;

  constructor(stack: Stack) {
    this.stack = stack;
    stack.register(this);
  }

  send(port: number): void {
    const packet = this.stack.pool.allocate(28);
    packet.append(28);
    const { view, start } = packet;
    view.setUint16(start, this.source++);
    view.setUint16(start + 2, port);
    view.setUint16(start + 4, 28);
    view.setUint16(start + 6, 0);
    packet.protocol = 17;
    this.stack.host.send(packet, new Route(LOOPBACK));
  }

  deliver(packet: PacketBuffer): void {
    this.arrived = packet.view.getUint16(packet.start + 2);
    packet.release();
  }

  icmpError(): void {}

  pmtuChanged(): void {}

  routesChanged(): void {}
}
