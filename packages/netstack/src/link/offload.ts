// Offloads in software: completing partial checksums, and splitting trains of TCP segments (as RFC 9293 would have sent
// them) or UDP datagrams. Used on the way into a device that can't do it itself.
import { ENOBUFS } from '../errno.js';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  GSO_NONE,
  GSO_TCP,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { finish, fold, sumBytes } from '../wire/checksum.js';
import { finishIpv4 } from '../wire/ipv4.js';
import { FEATURE_CHECKSUM, FEATURE_TSO, FEATURE_USO, type LinkDevice } from './device.js';

const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;
/** A train of more segments than this (64 KiB by the smallest sensible MSS) is an attack on whoever splits it. */
const MAX_SEGMENTS = 1366;

/** Sends a frame by way of a device, doing first in software what it lacks. Takes ownership. */
export function transmitFrame(device: LinkDevice, packet: PacketBuffer, now: number): number {
  if (packet.gsoSize > 0) {
    const feature = packet.gsoType === GSO_TCP ? FEATURE_TSO : FEATURE_USO;
    if ((device.features & feature) === 0) return transmitSegments(device, packet, now);
  }
  if (packet.checksum === CHECKSUM_PARTIAL && (device.features & FEATURE_CHECKSUM) === 0) {
    packet.unshare();
    completeChecksum(packet);
  }
  return device.transmit(packet, now);
}

/** Finishes a partial checksum. Precondition: the bytes are writable and transportOffset is known. */
export function completeChecksum(packet: PacketBuffer): void {
  const view = packet.view;
  const at = packet.transportOffset;
  const field = at + packet.checksumOffset;
  packet.checksum = CHECKSUM_VERIFIED;
  if (at < packet.start || field + 2 > packet.end) return;
  const value = finish(sumBytes(view, at, packet.end));
  // UDP says "no checksum" with zero, so a sum of zero is sent as its other form (RFC 768).
  view.setUint16(field, value === 0 && packet.checksumOffset === 6 ? 0xffff : value);
}

/** Length of the transport header of a train; 0 when it is not a sane one. */
export function gsoHeaderLength(packet: PacketBuffer): number {
  const at = packet.transportOffset;
  const room = packet.end - at;
  if (at < packet.start || packet.networkOffset < packet.start) return 0;
  const length = packet.gsoType !== GSO_TCP ? 8 : room >= 20 ? (packet.view.getUint8(at + 12) >>> 4) * 4 : 0;
  return length < 8 || (packet.gsoType === GSO_TCP && length < 20) || length > room ? 0 : length;
}

function transmitSegments(device: LinkDevice, packet: PacketBuffer, now: number): number {
  let error = 0;
  const header = gsoHeaderLength(packet);
  const count = header === 0 ? 0 : Math.ceil((packet.end - packet.transportOffset - header) / packet.gsoSize);
  if (header === 0 || count > MAX_SEGMENTS) error = -ENOBUFS;
  for (let i = 0; i < count && error === 0; i++) {
    error = transmitFrame(device, segmentOf(packet, header, i, count), now);
  }
  packet.release();
  return error;
}

/** Segment number `index` of a train, as a packet of its own with CHECKSUM_PARTIAL. */
export function segmentOf(
  train: PacketBuffer,
  transportHeader: number,
  index: number,
  count: number,
): PacketBuffer {
  const headers = train.transportOffset + transportHeader - train.start;
  const from = train.start + headers + index * train.gsoSize;
  const size = Math.min(train.gsoSize, train.end - from);
  const segment = train.pool.allocate(headers + size, train.start);
  train.copyRange(train.start, segment.bytes, train.start, headers);
  segment.bytes.set(train.bytes.subarray(from, from + size), train.start + headers);
  segment.copyMetadata(train);
  segment.end = segment.start + headers + size;
  segment.gsoSize = 0;
  segment.gsoType = GSO_NONE;
  fixNetwork(segment, index);
  fixTransport(segment, train, index, index === count - 1);
  return segment;
}

function fixNetwork(segment: PacketBuffer, index: number): void {
  const view = segment.view;
  const at = segment.networkOffset;
  const length = segment.end - at;
  if (view.getUint8(at) >>> 4 === 6) {
    view.setUint16(at + 4, length - 40);
    return;
  }
  view.setUint16(at + 2, length);
  view.setUint16(at + 4, (view.getUint16(at + 4) + index) & 0xffff);
  finishIpv4(view, at);
}

function fixTransport(segment: PacketBuffer, train: PacketBuffer, index: number, last: boolean): void {
  const view = segment.view;
  const at = segment.transportOffset;
  if (train.gsoType === GSO_TCP) {
    view.setUint32(at + 4, (view.getUint32(at + 4) + index * train.gsoSize) >>> 0);
    let flags = view.getUint8(at + 13);
    if (!last) flags &= ~TCP_FIN_PSH;
    if (index > 0) flags &= ~TCP_CWR;
    view.setUint8(at + 13, flags);
    segment.checksumOffset = 16;
  } else {
    view.setUint16(at + 4, segment.end - at);
    segment.checksumOffset = 6;
  }
  view.setUint16(at + segment.checksumOffset, pseudoSumOf(segment));
  segment.checksum = CHECKSUM_PARTIAL;
}

/** The folded pseudo header sum, read from the network header in the bytes. */
export function pseudoSumOf(packet: PacketBuffer): number {
  const view = packet.view;
  const at = packet.networkOffset;
  const length = packet.end - packet.transportOffset;
  const v6 = view.getUint8(at) >>> 4 === 6;
  const addresses = v6 ? sumBytes(view, at + 8, at + 40) : sumBytes(view, at + 12, at + 20);
  const protocol = v6 ? packet.protocol : view.getUint8(at + 9);
  return fold(addresses + protocol + length);
}
