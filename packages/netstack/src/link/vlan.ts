// 802.1Q on top of an Ethernet device: a trunk takes the device's frames apart by tag. Each VLAN is an Ethernet device of its
// own, and what has no tag goes to the trunk's `untagged` device.
import { EEXIST, EINVAL } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ETHERNET_HEADER } from '../wire/ethernet.js';
import { ETHERTYPE_VLAN } from '../wire/protocols.js';
import { VLAN_TAG } from '../wire/vlan.js';
import { type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from './device.js';
import { transmitFrame } from './offload.js';

export class VlanDevice implements LinkDevice {
  readonly medium = MEDIUM_ETHERNET;
  readonly id: number;
  priority: number;
  private readonly trunk: VlanTrunk;
  /** Whoever attached. */
  sink: LinkSink | null;

  /** Made by VlanTrunk.vlan. `id` is -1 for frames without a tag. */
  constructor(trunk: VlanTrunk, id: number) {
    this.trunk = trunk;
    this.id = id;
    this.priority = 0;
    this.sink = null;
  }

  get address(): number {
    return this.trunk.parent.address;
  }

  get mtu(): number {
    return this.trunk.parent.mtu;
  }

  get features(): number {
    return this.trunk.parent.features;
  }

  get carrier(): boolean {
    return this.trunk.parent.carrier;
  }

  attach(sink: LinkSink | null): void {
    this.sink = sink;
  }

  transmit(packet: PacketBuffer, now: number): number {
    if (this.id >= 0) this.insertTag(packet);
    return transmitFrame(this.trunk.parent, packet, now);
  }

  poll(now: number): number {
    return this.trunk.parent.poll(now);
  }

  private insertTag(packet: PacketBuffer): void {
    packet.unshare();
    packet.prepend(VLAN_TAG);
    packet.bytes.copyWithin(packet.start, packet.start + VLAN_TAG, packet.start + VLAN_TAG + 12);
    packet.view.setUint16(packet.start + 12, ETHERTYPE_VLAN);
    packet.view.setUint16(packet.start + 14, (this.priority << 13) | this.id);
  }
}

export class VlanTrunk implements LinkSink {
  readonly parent: LinkDevice;
  readonly untagged: VlanDevice;
  private readonly vlans: (VlanDevice | null)[];

  /** Attaches itself to `parent`, which must be Ethernet. */
  constructor(parent: LinkDevice) {
    this.parent = parent;
    this.untagged = new VlanDevice(this, -1);
    this.vlans = new Array<VlanDevice | null>(4096).fill(null);
    parent.attach(this);
  }

  /** The device of VLAN `id` (1–4094), or -EINVAL, -EEXIST. */
  vlan(id: number): VlanDevice | number {
    if (!Number.isInteger(id) || id < 1 || id > 4094) return -EINVAL;
    if (this.vlans[id] !== null) return -EEXIST;
    const device = new VlanDevice(this, id);
    this.vlans[id] = device;
    return device;
  }

  linkInput(packet: PacketBuffer, _device: LinkDevice): void {
    const target = this.targetOf(packet);
    if (target === null || target.sink === null) packet.release();
    else target.sink.linkInput(packet, target);
  }

  linkChanged(_device: LinkDevice): void {
    this.untagged.sink?.linkChanged(this.untagged);
    for (const vlan of this.vlans) vlan?.sink?.linkChanged(vlan);
  }

  linkWork(_device: LinkDevice): void {
    this.untagged.sink?.linkWork(this.untagged);
    for (let i = 0; i < this.vlans.length; i++) {
      const vlan = this.vlans[i] as VlanDevice | null;
      if (vlan !== null) vlan.sink?.linkWork(vlan);
    }
  }

  /** Takes the tag off. A priority tag (VLAN 0) counts as none. */
  private targetOf(packet: PacketBuffer): VlanDevice | null {
    const at = packet.start;
    if (packet.length < ETHERNET_HEADER) return null;
    if (packet.view.getUint16(at + 12) !== ETHERTYPE_VLAN) return this.untagged;
    if (packet.length < ETHERNET_HEADER + VLAN_TAG) return null;
    const tci = packet.view.getUint16(at + 14);
    packet.unshare();
    packet.bytes.copyWithin(packet.start + VLAN_TAG, packet.start, packet.start + 12);
    packet.pull(VLAN_TAG);
    packet.vlanTag = tci;
    const id = tci & 0xfff;
    return id === 0 ? this.untagged : (this.vlans[id] as VlanDevice | null);
  }
}
