// A device around a device: passes everything through. Capture and fault injection override what they change.
import type { PacketBuffer } from '../storage/packet-buffer.js';
import type { LinkDevice, LinkSink } from './device.js';

export class LinkDecorator implements LinkDevice, LinkSink {
  protected readonly inner: LinkDevice;
  protected sink: LinkSink | null;

  constructor(inner: LinkDevice) {
    this.inner = inner;
    this.sink = null;
  }

  get medium(): number {
    return this.inner.medium;
  }

  get address(): number {
    return this.inner.address;
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get features(): number {
    return this.inner.features;
  }

  get carrier(): boolean {
    return this.inner.carrier;
  }

  attach(sink: LinkSink | null): void {
    this.sink = sink;
    this.inner.attach(sink === null ? null : this);
  }

  transmit(packet: PacketBuffer, now: number): number {
    return this.inner.transmit(packet, now);
  }

  poll(now: number): number {
    return this.inner.poll(now);
  }

  linkInput(packet: PacketBuffer, _device: LinkDevice): void {
    if (this.sink === null) packet.release();
    else this.sink.linkInput(packet, this);
  }

  linkChanged(_device: LinkDevice): void {
    this.sink?.linkChanged(this);
  }

  linkWork(_device: LinkDevice): void {
    this.sink?.linkWork(this);
  }
}
