// A learning Ethernet bridge (IEEE 802.1D without spanning tree). Its ports are link devices; the bridge itself is a device
// too, so that a stack can sit on it. The table is bounded: hostile source addresses push nothing but each other out.
import { EBUSY, EINVAL, ENODEV } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ETHERNET_HEADER, isGroupMac, readMac } from '../wire/ethernet.js';
import { FEATURE_ALL_OFFLOADS, type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from './device.js';
import { transmitFrame } from './offload.js';
import { QueueDevice, type QueueLimits } from './queue-device.js';

export interface BridgeOptions extends QueueLimits {
  readonly address?: number;
  readonly mtu?: number;
  /** Microseconds after which an address is forgotten; default 300 s. */
  readonly ageing?: number;
  /** Default 4096. */
  readonly maxAddresses?: number;
  /** 802.1D reserved groups (01:80:c2:00:00:0x) are never forwarded unless this is set. */
  readonly forwardReserved?: boolean;
}

class BridgeEntry {
  port: LinkDevice;
  seen: number;

  constructor(port: LinkDevice, seen: number) {
    this.port = port;
    this.seen = seen;
  }
}

export class BridgeDevice extends QueueDevice implements LinkSink {
  readonly medium = MEDIUM_ETHERNET;
  readonly features = FEATURE_ALL_OFFLOADS;
  private readonly ports: LinkDevice[];
  private readonly pending: LinkDevice[];
  private readonly table: Map<number, BridgeEntry>;
  private readonly ageing: number;
  private readonly maxAddresses: number;
  private readonly forwardReserved: boolean;
  private now: number;

  constructor(options: BridgeOptions = {}) {
    super(options.address ?? 0x0200000000fe, options.mtu ?? 1500, options);
    this.ports = [];
    this.pending = [];
    this.table = new Map();
    this.ageing = options.ageing ?? 300_000_000;
    this.maxAddresses = options.maxAddresses ?? 4096;
    this.forwardReserved = options.forwardReserved ?? false;
    this.now = 0;
  }

  /** 0, -EINVAL for a device that is not Ethernet, -EBUSY when it is a port already. */
  addPort(port: LinkDevice): number {
    if (port.medium !== MEDIUM_ETHERNET || port === this) return -EINVAL;
    if (this.ports.includes(port)) return -EBUSY;
    this.ports.push(port);
    port.attach(this);
    return 0;
  }

  removePort(port: LinkDevice): number {
    const at = this.ports.indexOf(port);
    if (at < 0) return -ENODEV;
    this.ports.splice(at, 1);
    port.attach(null);
    for (const [mac, entry] of this.table) if (entry.port === port) this.table.delete(mac);
    return 0;
  }

  /** The port an address was learnt on, for inspection. */
  portOf(mac: number): LinkDevice | null {
    return this.table.get(mac)?.port ?? null;
  }

  get addressCount(): number {
    return this.table.size;
  }

  /** From the stack that sits on the bridge. */
  transmit(packet: PacketBuffer, now: number): number {
    this.now = now;
    this.forward(packet, this);
    return 0;
  }

  override poll(now: number): number {
    this.now = now;
    let next = Number.POSITIVE_INFINITY;
    this.pending.length = 0;
    for (let i = 0; i < this.ports.length; i++)
      next = Math.min(next, (this.ports[i] as LinkDevice).poll(now));
    return Math.min(next, super.poll(now));
  }

  linkInput(packet: PacketBuffer, port: LinkDevice): void {
    if (packet.length < ETHERNET_HEADER) {
      packet.release();
      return;
    }
    const source = readMac(packet.view, packet.start + 6);
    if (isGroupMac(source)) {
      packet.release();
      return;
    }
    this.learn(source, port);
    this.forward(packet, port);
  }

  linkChanged(_device: LinkDevice): void {
    // The bridge's own carrier does not depend on its ports.
  }

  linkWork(_device: LinkDevice): void {
    this.sink?.linkWork(this);
  }

  private learn(mac: number, port: LinkDevice): void {
    const entry = this.table.get(mac);
    if (entry !== undefined) {
      entry.port = port;
      entry.seen = this.now;
      return;
    }
    if (this.table.size >= this.maxAddresses) this.evict();
    this.table.set(mac, new BridgeEntry(port, this.now));
  }

  /** Drops the entry that was learnt first. */
  private evict(): void {
    for (const mac of this.table.keys()) {
      this.table.delete(mac);
      return;
    }
  }

  private forward(packet: PacketBuffer, from: LinkDevice): void {
    const destination = readMac(packet.view, packet.start);
    if (isGroupMac(destination)) {
      this.flood(packet, from, destination);
      return;
    }
    if (destination === this.address) {
      this.deliver(packet, this, from);
      return;
    }
    const entry = this.table.get(destination);
    if (entry !== undefined && this.now - entry.seen <= this.ageing) this.deliver(packet, entry.port, from);
    else this.flood(packet, from, destination);
  }

  private deliver(packet: PacketBuffer, to: LinkDevice, from: LinkDevice): void {
    if (to === from) packet.release();
    else if (to === this) this.toStack(packet);
    else transmitFrame(to, packet, this.now);
  }

  private toStack(packet: PacketBuffer): void {
    packet.scrub();
    this.enqueue(packet);
  }

  private flood(packet: PacketBuffer, from: LinkDevice, destination: number): void {
    const reserved = Math.floor(destination / 16) === 0x0180c200000;
    if (!reserved || this.forwardReserved) {
      for (let i = 0; i < this.ports.length; i++) {
        const port = this.ports[i] as LinkDevice;
        if (port !== from) transmitFrame(port, packet.copy(), this.now);
      }
    }
    if (from === this || this.sink === null) packet.release();
    else this.toStack(packet);
  }
}
