// The header that a TAP device with IFF_VNET_HDR, or a virtio network card, puts before each frame (virtio 1.2, 5.1.6;
// struct virtio_net_hdr and virtio_net_hdr_mrg_rxbuf of <linux/virtio_net.h>). Little-endian, as for virtio 1.0.

export const VIRTIO_NET_HEADER = 10;
export const VIRTIO_NET_HEADER_MRG = 12;
export const VIRTIO_F_NEEDS_CSUM = 1;
export const VIRTIO_F_DATA_VALID = 2;
export const VIRTIO_GSO_NONE = 0;
export const VIRTIO_GSO_TCPV4 = 1;
export const VIRTIO_GSO_UDP = 3;
export const VIRTIO_GSO_TCPV6 = 4;
export const VIRTIO_GSO_UDP_L4 = 5;
export const VIRTIO_GSO_ECN = 0x80;

export interface VirtioNetHeader {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  /** Offset into the frame at which summing starts. */
  readonly checksumStart: number;
  /** Offset of the field from there. */
  readonly checksumOffset: number;
}

export function parseVirtioNet(view: DataView, start: number, end: number): VirtioNetHeader | null {
  if (end - start < VIRTIO_NET_HEADER) return null;
  return {
    flags: view.getUint8(start),
    gsoType: view.getUint8(start + 1),
    headerLength: view.getUint16(start + 2, true),
    gsoSize: view.getUint16(start + 4, true),
    checksumStart: view.getUint16(start + 6, true),
    checksumOffset: view.getUint16(start + 8, true),
  };
}

export function writeVirtioNet(
  view: DataView,
  at: number,
  flags: number,
  gsoType: number,
  headerLength: number,
  gsoSize: number,
  checksumStart: number,
  checksumOffset: number,
): void {
  view.setUint8(at, flags);
  view.setUint8(at + 1, gsoType);
  view.setUint16(at + 2, headerLength, true);
  view.setUint16(at + 4, gsoSize, true);
  view.setUint16(at + 6, checksumStart, true);
  view.setUint16(at + 8, checksumOffset, true);
}

export function emitVirtioNet(h: VirtioNetHeader, view: DataView, at: number): number {
  writeVirtioNet(view, at, h.flags, h.gsoType, h.headerLength, h.gsoSize, h.checksumStart, h.checksumOffset);
  return VIRTIO_NET_HEADER;
}
