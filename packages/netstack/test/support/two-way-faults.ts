// Faults in both directions around one device: what a FaultDevice does to what is sent, done to what arrives as well. For peers
// whose end of the wire can't be decorated, such as a kernel without netem.

import { LinkDecorator } from '../../src/link/decorator.js';
import type { LinkDevice, LinkSink } from '../../src/link/device.js';
import { FaultDevice, type FaultOptions } from '../../src/link/fault-device.js';
import type { PacketBuffer } from '../../src/storage/packet-buffer.js';

/** The inner end of the way in: hands on what survived. */
class Arrivals extends LinkDecorator {
  private readonly deliver: (packet: PacketBuffer) => void;

  constructor(inner: LinkDevice, deliver: (packet: PacketBuffer) => void) {
    super(inner);
    this.deliver = deliver;
  }

  override attach(sink: LinkSink | null): void {
    this.sink = sink;
  }

  override transmit(packet: PacketBuffer): number {
    this.deliver(packet);
    return 0;
  }

  override poll(): number {
    return Number.POSITIVE_INFINITY;
  }
}

export class TwoWayFaults extends LinkDecorator {
  readonly outward: FaultDevice;
  readonly inward: FaultDevice;
  private readonly clock: () => number;

  constructor(inner: LinkDevice, faults: FaultOptions, clock: () => number) {
    const outward = new FaultDevice(inner, faults);
    super(outward);
    this.outward = outward;
    this.clock = clock;
    this.inward = new FaultDevice(new Arrivals(inner, (packet) => super.linkInput(packet, this)), faults);
    this.inward.attach({
      linkInput: (packet) => packet.release(),
      linkChanged: () => undefined,
      linkWork: () => this.linkWork(this),
    });
  }

  override poll(now: number): number {
    return Math.min(this.inward.poll(now), super.poll(now));
  }

  override linkInput(packet: PacketBuffer): void {
    this.inward.transmit(packet, this.clock());
  }
}
