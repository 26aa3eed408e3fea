// AF_PACKET (packet(7)): frames of an interface as they come and go, for those who hold CAP_NET_RAW; read one by one, or from a ring
// (packet-ring.ts).
import {
  AF_PACKET,
  type BpfProgram,
  CAP_NET_RAW,
  EAGAIN,
  EBUSY,
  EINVAL,
  ENOBUFS,
  ENODEV,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  ESOCKTNOSUPPORT,
  ETH_P_ALL,
  FIONREAD,
  MSG_PEEK,
  MSG_TRUNC,
  PACKET_ADD_MEMBERSHIP,
  PACKET_AUXDATA,
  PACKET_COPY_THRESH,
  PACKET_DROP_MEMBERSHIP,
  PACKET_FANOUT,
  PACKET_FANOUT_CBPF,
  PACKET_FANOUT_ROLLOVER,
  PACKET_HDRLEN,
  PACKET_IGNORE_OUTGOING,
  PACKET_LOSS,
  PACKET_ORIGDEV,
  PACKET_QDISC_BYPASS,
  PACKET_RESERVE,
  PACKET_ROLLOVER_STATS,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_TIMESTAMP,
  PACKET_TX_HAS_OFF,
  PACKET_TX_RING,
  PACKET_VERSION,
  PACKET_VNET_HDR,
  POLLERR,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCKADDR_LL_SIZE,
  SOL_PACKET,
  TP_STATUS_CSUM_VALID,
  TP_STATUS_CSUMNOTREADY,
  TP_STATUS_USER,
  TPACKET_REQ_SIZE,
  TPACKET_REQ3_SIZE,
  TPACKET_V1,
  TPACKET_V3,
} from '@sandbox-kernel/abi';
import type { Caller, Mappable } from '@sandbox-kernel/contracts';
import { Socket, type SocketFamily, type SocketMessage, type Task } from '@sandbox-kernel/kernel';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  PACKET_LOOPBACK as FLAG_LOOPBACK,
  type NetInterface,
  type PacketBuffer,
  type PacketEndpoint,
  writeOffload,
} from '@sandbox-kernel/netstack';
import { gather, scatter } from '@sandbox-kernel/vfs';
import { wallClock } from './datagram-control.js';
import { hardwareAddress, hardwareType, interfaceIoctl } from './interface-ioctl.js';
import type { Internet } from './internet.js';
import { intBytes, viewOf, wholeInt } from './option-bytes.js';
import { BlockRing } from './packet-blocks.js';
import type { FanoutGroup } from './packet-fanout.js';
import { FrameRing, headerSize, type PacketRing, parseRingRequest, type RingRequest } from './packet-ring.js';
import {
  checkTransmitRequest,
  departureInterface,
  type FrameSource,
  LINK_HEADER,
  longEnough,
  sendFrame,
  TransmitRing,
} from './packet-transmit.js';
import { packetType } from './packet-type.js';
import { RingArea, type RingPart } from './ring-part.js';
import { SocketFilter } from './socket-filter.js';

const KEPT = [
  PACKET_AUXDATA,
  PACKET_COPY_THRESH,
  PACKET_IGNORE_OUTGOING,
  PACKET_LOSS,
  PACKET_ORIGDEV,
  PACKET_QDISC_BYPASS,
  PACKET_RESERVE,
  PACKET_TIMESTAMP,
  PACKET_TX_HAS_OFF,
  PACKET_VERSION,
];
/** Flags: any number but 0 is 1. */
const SWITCHES = [
  PACKET_AUXDATA,
  PACKET_IGNORE_OUTGOING,
  PACKET_LOSS,
  PACKET_ORIGDEV,
  PACKET_QDISC_BYPASS,
  PACKET_TX_HAS_OFF,
];
/** What can't change while there is a ring. */
const SHAPES = [PACKET_LOSS, PACKET_RESERVE, PACKET_TX_HAS_OFF, PACKET_VERSION];
/** Newer than the headers. */
const PACKET_VNET_HDR_SZ = 24;
/** None, struct virtio_net_hdr, struct virtio_net_hdr_mrg_rxbuf. */
const VNET_SIZES: readonly number[] = [0, 10, 12];

/** The bytes of a call as a frame. */
class MessageFrame implements FrameSource {
  private readonly message: SocketMessage;

  constructor(message: SocketMessage) {
    this.message = message;
  }

  copy(offset: number, into: Uint8Array, at: number, length: number): void {
    if (this.message.io !== null) gather(this.message.io, offset, into, at, length);
  }
}

export class PacketSocket extends Socket {
  readonly internet: Internet;
  readonly kernel: Internet['kernel'];
  readonly uid: number;
  /** EtherType in host order; 0: none yet. */
  etherType: number;
  interfaceIndex: number;
  endpoint: PacketEndpoint | null;
  private front: PacketBuffer | null;
  private readonly options: Map<number, number>;
  private countedPackets: number;
  private countedDrops: number;
  private ring: PacketRing | null;
  private transmitRing: TransmitRing | null;
  private readonly area: RingArea;
  fanoutGroup: FanoutGroup | null;

  constructor(internet: Internet, type: number, protocol: number, uid: number) {
    super(AF_PACKET, type, ((protocol & 0xff) << 8) | (protocol >> 8));
    this.internet = internet;
    this.kernel = internet.kernel;
    this.uid = uid;
    this.etherType = 0;
    this.interfaceIndex = 0;
    this.endpoint = null;
    this.front = null;
    this.options = new Map();
    this.countedPackets = 0;
    this.countedDrops = 0;
    this.ring = null;
    this.transmitRing = null;
    this.area = new RingArea(internet.kernel);
    this.fanoutGroup = null;
    internet.sockets.add(this);
    this.listenTo(protocol, 0);
  }

  get inode(): number {
    return this.file?.inode?.number ?? 0;
  }

  get receiveQueue(): number {
    return this.next()?.length ?? 0;
  }

  private listenTo(etherType: number, interfaceIndex: number): void {
    this.endpoint?.close();
    this.front?.release();
    this.front = null;
    this.etherType = etherType;
    this.interfaceIndex = interfaceIndex;
    this.countedPackets = 0;
    this.countedDrops = 0;
    this.endpoint =
      etherType === 0
        ? null
        : this.internet.stack.packetEndpoint({
            etherType,
            interfaceIndex,
            cooked: this.type === SOCK_DGRAM,
            owner: this,
            receiveLimit: this.receiveBuffer,
          });
    if (this.endpoint !== null) this.endpoint.store = this.ring;
    this.useFilter(this.filter);
  }

  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    if (this.endpoint !== null)
      this.endpoint.filter = program === null ? null : new SocketFilter(this.internet, program);
    return 0;
  }

  endpointReady(): void {
    if (this.ring === null) this.wake(POLLIN | POLLRDNORM);
    else this.fillRing(this.ring);
  }

  // ── rings ──

  private option(number: number): number {
    return this.options.get(number) ?? 0;
  }

  private fillRing(ring: PacketRing): void {
    for (let packet = this.next(); packet !== null; packet = this.next()) {
      const { seconds, nanos } = wallClock(this.kernel.clock, packet.timestamp);
      const linkHeader = this.hasLinkHeader(packet) ? LINK_HEADER : 0;
      ring.deposit({
        packet,
        linkHeader,
        status: checksumStatus(packet),
        seconds,
        nanos,
        name: this.sourceOf(packet),
        vnet: this.vnetOf(packet),
      });
      packet.release();
      this.front = null;
    }
    if (ring instanceof FrameRing) this.wake(POLLIN | POLLRDNORM);
  }

  private hasLinkHeader(packet: PacketBuffer): boolean {
    const iface = this.internet.stack.network.interfaceByIndex(packet.interfaceIndex);
    return this.type === SOCK_RAW && iface !== null && (iface.isEthernet || iface.isLoopback);
  }

  blockReady(): void {
    this.wake(POLLIN | POLLRDNORM);
  }

  now(): number {
    return this.internet.stack.network.now();
  }

  /** Bytes of the virtio-net header before each frame. */
  private get vnetHeader(): number {
    return this.option(PACKET_VNET_HDR);
  }

  private vnetOf(packet: PacketBuffer): Uint8Array {
    const bytes = new Uint8Array(this.vnetHeader);
    if (bytes.length > 0) writeOffload(packet, viewOf(bytes), 0, packet.start, true);
    return bytes;
  }

  private setRing(value: Uint8Array, sends: boolean): number {
    const version = this.option(PACKET_VERSION);
    const exists = (sends ? this.transmitRing : this.ring) !== null;
    if (value.length < (version === TPACKET_V3 ? TPACKET_REQ3_SIZE : TPACKET_REQ_SIZE)) return -EINVAL;
    if (this.area.isMapped) return -EBUSY;
    const reserve = this.option(PACKET_RESERVE);
    const request = parseRingRequest(value, version, reserve, this.vnetHeader, exists);
    if (typeof request === 'number') return request;
    if (sends && request !== null && checkTransmitRequest(request) !== 0) return -EINVAL;
    const part = this.area.allot(
      sends,
      request === null ? 0 : request.blockSize * request.blocks,
      this.inode,
    );
    if (sends) this.transmitRing = request === null ? null : new TransmitRing(part as RingPart, request);
    else this.useRing(request, part);
    return 0;
  }

  private useRing(request: RingRequest | null, part: RingPart | null): void {
    this.ring?.close();
    this.ring = null;
    if (request !== null && part !== null) {
      this.ring =
        request.version === TPACKET_V3
          ? new BlockRing(part, request, this, this.internet.stack.timers, this.internet.ringScratch)
          : new FrameRing(part, request, this.internet.ringScratch);
    }
    if (this.endpoint !== null) this.endpoint.store = this.ring;
  }

  override get mapping(): Mappable | null {
    return this.area.memory;
  }

  /** The whole ring, or nothing. */
  override mapError(length: number, offset: number): number {
    return offset !== 0 || this.area.memory?.size !== length ? -EINVAL : 0;
  }

  override bind(_task: Task, address: Uint8Array): number {
    if (address.length < SOCKADDR_LL_SIZE) return -EINVAL;
    const view = viewOf(address);
    if (view.getUint16(0, true) !== AF_PACKET) return -EINVAL;
    if (this.fanoutGroup !== null) return -EINVAL;
    const index = view.getInt32(4, true);
    if (index !== 0 && this.internet.stack.network.interfaceByIndex(index) === null) return -ENODEV;
    const etherType = view.getUint16(2);
    this.listenTo(etherType === 0 ? this.etherType : etherType, index);
    return 0;
  }

  override name(): Uint8Array {
    const iface = this.internet.stack.network.interfaceByIndex(this.interfaceIndex);
    return linkName(this.etherType, this.interfaceIndex, iface, 0, iface?.device.address ?? 0);
  }

  override peerName(): number {
    return -EOPNOTSUPP;
  }

  override send(_task: Task, message: SocketMessage): number {
    const { address } = message;
    let index = this.interfaceIndex;
    let etherType = this.etherType;
    let mac = 0xffffffffffff;
    if (address !== null) {
      if (!longEnough(address)) return -EINVAL;
      const view = viewOf(address);
      index = view.getInt32(4, true);
      etherType = view.getUint16(2);
      mac = macOf(address, 12);
    }
    const { stack } = this.internet;
    const iface = departureInterface(stack, index);
    if (typeof iface === 'number') return iface;
    this.internet.touch();
    const { vnetHeader, endpoint } = this;
    const to = { iface, etherType, mac, raw: this.type === SOCK_RAW, vnetHeader, endpoint };
    if (this.transmitRing !== null) {
      const offsets = this.option(PACKET_TX_HAS_OFF) !== 0;
      return this.transmitRing.send(stack, to, this.option(PACKET_LOSS) !== 0, offsets);
    }
    const size = message.io?.total ?? 0;
    const result = sendFrame(stack, to, new MessageFrame(message), size);
    if (result < 0) return result;
    message.done = size;
    return size;
  }

  private next(): PacketBuffer | null {
    while (this.front === null) {
      const packet = this.endpoint?.receive() ?? null;
      if (packet === null) return null;
      const outgoing = (packet.flags & FLAG_LOOPBACK) !== 0;
      if (outgoing && (this.options.get(PACKET_IGNORE_OUTGOING) ?? 0) !== 0) packet.release();
      else this.front = packet;
    }
    return this.front;
  }

  override receive(_task: Task, message: SocketMessage): number {
    if (this.error !== 0) return -this.takeError();
    const packet = this.next();
    if (packet === null) return -EAGAIN;
    const total = message.io?.total ?? 0;
    const vnet = this.vnetOf(packet);
    if (total < vnet.length) return -EINVAL;
    const count = Math.min(packet.length, total - vnet.length);
    if (message.io !== null) {
      scatter(message.io, 0, vnet, 0, vnet.length);
      scatter(message.io, vnet.length, packet.bytes, packet.start, count);
    }
    if (count < packet.length) message.outFlags |= MSG_TRUNC;
    const full = packet.length;
    message.done = vnet.length + count;
    message.fullLength = vnet.length + full;
    message.address = this.sourceOf(packet);
    if (this.option(PACKET_AUXDATA) !== 0) {
      const linkHeader = this.hasLinkHeader(packet) ? LINK_HEADER : 0;
      message.addControl(
        SOL_PACKET,
        PACKET_AUXDATA,
        auxiliary(checksumStatus(packet), full, count, linkHeader),
      );
    }
    if ((message.flags & MSG_PEEK) === 0) {
      packet.release();
      this.front = null;
    }
    return vnet.length + ((message.flags & MSG_TRUNC) !== 0 ? full : count);
  }

  private sourceOf(packet: PacketBuffer): Uint8Array {
    const iface = this.internet.stack.network.interfaceByIndex(packet.interfaceIndex);
    const mac = iface?.isEthernet && packet.linkOffset >= 0 ? macOf(packet.bytes, packet.linkOffset + 6) : 0;
    return linkName(
      packet.etherType,
      packet.interfaceIndex,
      iface,
      packetType(packet, (packet.flags & FLAG_LOOPBACK) !== 0),
      mac,
    );
  }

  override close(): void {
    this.internet.sockets.remove(this);
    this.front?.release();
    this.front = null;
    this.leaveFanout();
    this.endpoint?.close();
    this.endpoint = null;
    this.ring?.close();
    this.ring = null;
    this.transmitRing = null;
    this.area.close();
    this.wake(-1);
  }

  override events(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.ring === null ? this.next() !== null : this.ring.readable) events |= POLLIN | POLLRDNORM;
    if (this.error !== 0) events |= POLLERR;
    return events;
  }

  override getOption(_task: Task, level: number, option: number): Uint8Array | number {
    if (level !== SOL_PACKET) return -ENOPROTOOPT;
    switch (option) {
      case PACKET_STATISTICS:
        return this.statistics();
      case PACKET_FANOUT: {
        const group = this.fanoutGroup;
        return intBytes(group === null ? 0 : group.id | (group.mode << 16) | (group.flags << 24));
      }
      case PACKET_ROLLOVER_STATS:
        return this.rolloverStatistics();
      case PACKET_VNET_HDR:
        return intBytes(this.vnetHeader === 0 ? 0 : 1);
      case PACKET_VNET_HDR_SZ:
        return intBytes(this.vnetHeader);
      default:
        return KEPT.includes(option) ? intBytes(this.option(option)) : -ENOPROTOOPT;
    }
  }

  /** struct tpacket_rollover_stats. */
  private rolloverStatistics(): Uint8Array | number {
    const { fanoutGroup: group, endpoint } = this;
    if (group === null || endpoint === null) return -EINVAL;
    if (group.mode !== PACKET_FANOUT_ROLLOVER && !group.fanout.rollsOver) return -EINVAL;
    const bytes = new Uint8Array(24);
    viewOf(bytes).setUint32(0, endpoint.rolled, true);
    viewOf(bytes).setUint32(16, endpoint.rollFailed, true);
    return bytes;
  }

  /** PACKET_HDRLEN: the version is asked in the buffer that gets the answer. */
  override askOption(
    _task: Task,
    level: number,
    option: number,
    question: Uint8Array,
    room: number,
  ): Uint8Array | number {
    if (level !== SOL_PACKET || option !== PACKET_HDRLEN) return -ENOPROTOOPT;
    if (room < 4) return -EINVAL;
    const version = wholeInt(question);
    return version < TPACKET_V1 || version > TPACKET_V3 ? -EINVAL : intBytes(headerSize(version));
  }

  /** struct tpacket_stats or tpacket_stats_v3: since the last time it was asked for. */
  private statistics(): Uint8Array {
    const packets = this.endpoint?.packets ?? 0;
    const drops = (this.endpoint?.dropped ?? 0) + (this.ring?.drops ?? 0);
    const counts = [packets - this.countedPackets, drops - this.countedDrops];
    if (this.option(PACKET_VERSION) === TPACKET_V3) counts.push(this.ring?.freezes ?? 0);
    if (this.ring !== null) {
      this.ring.drops = 0;
      this.ring.freezes = 0;
    }
    this.countedPackets = packets;
    this.countedDrops = this.endpoint?.dropped ?? 0;
    return intBytes(...counts);
  }

  override setOption(_task: Task, level: number, option: number, value: Uint8Array): number {
    if (level !== SOL_PACKET) return -ENOPROTOOPT;
    switch (option) {
      case PACKET_ADD_MEMBERSHIP:
      case PACKET_DROP_MEMBERSHIP:
        if (value.length < 16) return -EINVAL;
        return this.internet.stack.network.interfaceByIndex(wholeInt(value)) === null ? -ENODEV : 0;
      case PACKET_RX_RING:
        return this.setRing(value, false);
      case PACKET_TX_RING:
        return this.setRing(value, true);
      case PACKET_FANOUT:
        return this.joinFanout(value);
      case PACKET_VNET_HDR:
      case PACKET_VNET_HDR_SZ:
        return this.setVnetHeader(option, value);
      default:
        return this.keepOption(option, value);
    }
  }

  private joinFanout(value: Uint8Array): number {
    const group = this.internet.fanouts.join(this, value);
    if (typeof group === 'number') return group;
    this.fanoutGroup = group;
    return 0;
  }

  private leaveFanout(): void {
    if (this.fanoutGroup !== null && this.endpoint !== null)
      this.internet.fanouts.leave(this.fanoutGroup, this.endpoint);
    this.fanoutGroup = null;
  }

  /** PACKET_FANOUT_DATA of a group that goes by a program: -EINVAL for others. */
  override useFanoutProgram(program: BpfProgram): number {
    if (this.fanoutGroup?.mode !== PACKET_FANOUT_CBPF) return -EINVAL;
    this.fanoutGroup.fanout.chooser = new SocketFilter(this.internet, program);
    return 0;
  }

  private setVnetHeader(option: number, value: Uint8Array): number {
    if (this.type !== SOCK_RAW || value.length < 4) return -EINVAL;
    const number = wholeInt(value);
    const size = option === PACKET_VNET_HDR_SZ ? number : number === 0 ? 0 : VNET_SIZES[1];
    if (!VNET_SIZES.includes(size as number)) return -EINVAL;
    if (this.ring !== null || this.transmitRing !== null) return -EBUSY;
    this.options.set(PACKET_VNET_HDR, size as number);
    return 0;
  }

  private keepOption(option: number, value: Uint8Array): number {
    if (!KEPT.includes(option)) return -ENOPROTOOPT;
    if (value.length < 4) return -EINVAL;
    const number = wholeInt(value);
    if (option === PACKET_VERSION && (number < TPACKET_V1 || number > TPACKET_V3)) return -EINVAL;
    if (option === PACKET_RESERVE && number < 0) return -EINVAL;
    const ringed = this.ring !== null || this.transmitRing !== null;
    if (SHAPES.includes(option) && ringed) return option === PACKET_TX_HAS_OFF ? 0 : -EBUSY;
    this.options.set(option, SWITCHES.includes(option) ? (number === 0 ? 0 : 1) : number);
    return 0;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    if (request === FIONREAD) return caller.memory.writeU32(argument, this.receiveQueue);
    return interfaceIoctl(this.internet, false, caller, request, argument);
  }
}

function macOf(bytes: Uint8Array, at: number): number {
  let mac = 0;
  for (let i = 0; i < 6; i++) mac = mac * 256 + (bytes[at + i] ?? 0);
  return mac;
}

/** struct sockaddr_ll. */
function linkName(
  etherType: number,
  interfaceIndex: number,
  iface: NetInterface | null,
  type: number,
  mac: number,
): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_LL_SIZE);
  const view = viewOf(bytes);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, etherType);
  view.setInt32(4, interfaceIndex, true);
  view.setUint16(8, iface === null ? 0 : hardwareType(iface), true);
  bytes[10] = type;
  bytes[11] = iface === null ? 0 : 6;
  bytes.set(hardwareAddress(mac), 12);
  return bytes;
}

/** What is known of the checksum, as TP_STATUS_* bits. */
function checksumStatus(packet: PacketBuffer): number {
  if (packet.checksum === CHECKSUM_PARTIAL) return TP_STATUS_CSUMNOTREADY;
  const outgoing = (packet.flags & FLAG_LOOPBACK) !== 0;
  return !outgoing && packet.checksum === CHECKSUM_VERIFIED ? TP_STATUS_CSUM_VALID : 0;
}

/** struct tpacket_auxdata. */
function auxiliary(status: number, length: number, captured: number, net: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = viewOf(bytes);
  view.setUint32(0, status | TP_STATUS_USER, true);
  view.setUint32(4, length, true);
  view.setUint32(8, captured, true);
  view.setUint16(14, net, true);
  return bytes;
}

export class PacketFamily implements SocketFamily {
  readonly #internet: Internet;

  constructor(internet: Internet) {
    this.#internet = internet;
  }

  /** `protocol` comes in network order. */
  create(task: Task, type: number, protocol: number): Socket | number {
    if (!task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    if (this.#internet.sockets.full) return -ENOBUFS;
    const etherType = ((protocol & 0xff) << 8) | ((protocol >> 8) & 0xff);
    const chosen = etherType === 0 ? 0 : etherType === ETH_P_ALL ? ETH_P_ALL : etherType;
    return new PacketSocket(this.#internet, type, chosen, task.credentials.fsuid);
  }

  createPair(): number {
    return -EOPNOTSUPP;
  }
}
