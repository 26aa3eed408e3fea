// Splitting what is larger than the MTU (RFC 791 3.2, RFC 8200 4.5). In IPv6 only the source does it.
import type { Address } from '../address.js';
import { EMSGSIZE } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { finishIpv4, IPV4_HEADER, IPV4_MF, IPV4_OFFSET_MASK } from '../wire/ipv4.js';
import { IPOPT_COPIED, IPOPT_END, IPOPT_NOP, nextOption } from '../wire/ipv4-options.js';
import { emitFragment, FRAGMENT_HEADER } from '../wire/ipv6-extension.js';
import { PROTO_HOPOPTS } from '../wire/protocols.js';
import type { NetInterface } from './interface.js';
import type { NeighbourEntry } from './neighbour.js';
import type { NetworkLayer } from './network.js';

/** Takes ownership. `start` is at the network header; checksums are complete. */
export function fragmentIpv4(
  net: NetworkLayer,
  packet: PacketBuffer,
  out: NetInterface,
  nextHop: Address,
  neighbour: NeighbourEntry | null,
  mtu: number,
): number {
  const base = packet.start;
  const header = (packet.view.getUint8(base) & 15) * 4;
  const room = Math.floor((mtu - header) / 8) * 8;
  const payload = packet.length - header;
  let error = room < 8 ? -EMSGSIZE : 0;
  for (let offset = 0; offset < payload && error === 0; offset += room) {
    const size = Math.min(room, payload - offset);
    const piece = pieceOf(packet, header, 0, header + offset, size);
    writeFragment4(piece, header, offset, offset + size < payload, packet);
    net.counters.fragmentsCreated++;
    error = out.transmitIp(piece, nextHop, neighbour);
  }
  return finish(net, packet, error);
}

function writeFragment4(
  piece: PacketBuffer,
  header: number,
  offset: number,
  more: boolean,
  whole: PacketBuffer,
): void {
  const view = piece.view;
  const at = piece.start;
  const word = whole.view.getUint16(whole.start + 6);
  // A fragment may be split again on its way: offsets add up, and "more" stays.
  const position = (word & IPV4_OFFSET_MASK) + offset / 8;
  const flags = (word & ~IPV4_OFFSET_MASK) | (more ? IPV4_MF : 0);
  view.setUint16(at + 2, piece.length);
  view.setUint16(at + 6, flags | position);
  if (offset > 0 && header > IPV4_HEADER) blankOptions(view, at + IPV4_HEADER, at + header);
  finishIpv4(view, at);
}

/** Options without the "copied" bit belong in the first fragment only. */
function blankOptions(view: DataView, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const type = view.getUint8(at);
    const next = nextOption(view, at, end);
    if (type === IPOPT_END || next < 0) return;
    if ((type & IPOPT_COPIED) === 0) for (let i = at; i < next; i++) view.setUint8(i, IPOPT_NOP);
    at = next;
  }
}

/** Takes ownership. */
export function fragmentIpv6(
  net: NetworkLayer,
  packet: PacketBuffer,
  out: NetInterface,
  nextHop: Address,
  neighbour: NeighbourEntry | null,
  mtu: number,
): number {
  const view = packet.view;
  const base = packet.start;
  // What every hop reads stays in front of the fragment header.
  const hop = view.getUint8(base + 6) === PROTO_HOPOPTS;
  const header = 40 + (hop ? (view.getUint8(base + 41) + 1) * 8 : 0);
  const field = hop ? 40 : 6;
  const protocol = view.getUint8(base + field);
  const room = Math.floor((mtu - header - FRAGMENT_HEADER) / 8) * 8;
  const payload = packet.length - header;
  const identification = net.nextFragmentId(packet.destination as Address);
  let error = room < 8 ? -EMSGSIZE : 0;
  for (let offset = 0; offset < payload && error === 0; offset += room) {
    const size = Math.min(room, payload - offset);
    const piece = pieceOf(packet, header, FRAGMENT_HEADER, header + offset, size);
    const more = offset + size < payload;
    emitFragment({ nextHeader: protocol, offset, more, identification }, piece.view, piece.start + header);
    piece.view.setUint8(piece.start + field, 44);
    piece.view.setUint16(piece.start + 4, piece.length - 40);
    net.counters6.fragmentsCreated++;
    error = out.transmitIp(piece, nextHop, neighbour);
  }
  return finish(net, packet, error);
}

/** A packet of the first `header` bytes, a gap, and `size` bytes from `from` (both relative to start). */
function pieceOf(whole: PacketBuffer, header: number, gap: number, from: number, size: number): PacketBuffer {
  const base = whole.start;
  const piece = whole.pool.allocate(header + gap + size);
  const at = piece.start;
  piece.bytes.set(whole.bytes.subarray(base, base + header), at);
  piece.bytes.set(whole.bytes.subarray(base + from, base + from + size), at + header + gap);
  piece.copyMetadata(whole);
  piece.end = at + header + gap + size;
  piece.networkOffset = at;
  piece.transportOffset = at + header + gap;
  return piece;
}

function finish(net: NetworkLayer, packet: PacketBuffer, error: number): number {
  const counters = net.countersFor((packet.destination as Address).isV4);
  if (error === 0) counters.fragmentsOk++;
  else counters.fragmentsFailed++;
  packet.release();
  return error;
}
