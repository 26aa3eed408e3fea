// Mode `tap`: the guest's link is a TAP device of the host (Linux's Documentation/networking/tuntap), by name or as a descriptor that
// somebody privileged opened. Frames pass as they are: what lies behind the device judges them, this does not.
import { EAGAIN, EINVAL } from '@sandbox-kernel/abi';
import { DATA, type HostInetSockets } from '@sandbox-kernel/host';
import {
  ExternalDevice,
  type FrameOutput,
  type LinkDevice,
  type PacketBuffer,
  PacketPool,
  VirtioNetDevice,
} from '@sandbox-kernel/netstack';
import type { HostNet, HostOwner } from '../host-net.js';
import type { LinkPlan } from '../link-plan.js';

const IFF_TAP = 2;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUN_F_CSUM, TUN_F_TSO4 and TUN_F_TSO6: trains of segments pass whole, with their checksums to be completed. */
const OFFLOADS = 7;
const VIRTIO_HEADER = 10;
const ENOBUFS = 105;
const BATCH = 256;
const LOCAL_MAC = 0x02534b000003;

export interface TapOptions {
  readonly net: HostNet;
  readonly calls: HostInetSockets;
  /** Name of the device; made if it is not there. */
  readonly name?: string;
  /** A descriptor that is one already; it belongs to the link from now on. */
  readonly fd?: number;
  readonly plan: LinkPlan;
  readonly mtu?: number;
  readonly address?: number;
}

export class TapLink implements FrameOutput, HostOwner {
  readonly link: LinkDevice;
  readonly plan: LinkPlan;
  readonly #device: ExternalDevice | VirtioNetDevice;
  readonly #net: HostNet;
  readonly #calls: HostInetSockets;
  readonly #fd: number;
  readonly #pool = new PacketPool();
  #readable = true;
  dropped = 0;

  private constructor(options: TapOptions, fd: number, offloads: boolean) {
    this.#net = options.net;
    this.#calls = options.calls;
    this.#fd = fd;
    this.plan = options.plan;
    const device = {
      output: this,
      address: options.address ?? LOCAL_MAC,
      ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
    };
    this.#device = offloads ? new VirtioNetDevice(device) : new ExternalDevice(device);
    this.link = this.#device;
  }

  /** -errno: -EINVAL for a descriptor that is no TAP device without packet information, -EPERM or -EACCES without the right to the device, -EBUSY when another holds it, -ENOENT without /dev/net/tun. */
  static open(options: TapOptions): TapLink | number {
    const { calls } = options;
    const fd = options.fd ?? calls.openTap(options.name ?? '', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    const flags = fd < 0 ? fd : calls.tapFlags(fd);
    if (flags < 0) return flags;
    if ((flags & IFF_TAP) === 0 || (flags & IFF_NO_PI) === 0) return -EINVAL;
    calls.setNonBlocking(fd);
    const offloads = (flags & IFF_VNET_HDR) !== 0;
    if (offloads) {
      calls.setTapHeaderSize(fd, VIRTIO_HEADER);
      calls.setTapOffload(fd, OFFLOADS);
    }
    const tap = new TapLink(options, fd, offloads);
    const watched = options.net.watch(fd, tap);
    return watched < 0 ? watched : tap;
  }

  frameOut(packet: PacketBuffer): number {
    const written = this.#calls.writeFrame(this.#fd, packet.bytes, packet.start, packet.length);
    packet.release();
    if (written >= 0) return 0;
    this.dropped++;
    return -ENOBUFS;
  }

  hostReady(): void {
    this.#readable = true;
  }

  /** Takes what has come in; the guest's stack is run by its owner afterwards. */
  poll(now: number): number {
    for (let count = 0; this.#readable; count++) {
      if (count === BATCH) return now;
      const length = this.#calls.readFrame(this.#fd);
      if (length <= 0) {
        this.#readable = false;
        if (length !== -EAGAIN) this.#device.carrier = false;
      } else this.#device.receive(this.#pool.copyOf(this.#calls.bytes, DATA, length));
    }
    return Number.POSITIVE_INFINITY;
  }

  get hasWork(): boolean {
    return this.#readable;
  }

  close(): void {
    this.#net.close(this.#fd);
  }
}
