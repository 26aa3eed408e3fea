// pcapng files (draft-ietf-opsawg-pcapng): section header, interface description and enhanced packet blocks, little-endian.
// Reading takes either byte order and skips blocks it does not know.

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED = 6;
const IF_NAME = 2;
const MAGIC = 0x1a2b3c4d;

export interface CapturedPacket {
  readonly interfaceId: number;
  /** Microseconds. */
  readonly timestamp: number;
  readonly originalLength: number;
  readonly bytes: Uint8Array;
}

export interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
}

export interface Capture {
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly CapturedPacket[];
}

const pad4 = (n: number): number => (n + 3) & ~3;

function block(type: number, bodyLength: number): DataView {
  const total = 12 + pad4(bodyLength);
  const view = new DataView(new ArrayBuffer(total));
  view.setUint32(0, type, true);
  view.setUint32(4, total, true);
  view.setUint32(total - 4, total, true);
  return view;
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

export function emitSectionHeader(): Uint8Array {
  const view = block(SECTION, 16);
  view.setUint32(8, MAGIC, true);
  view.setUint16(12, 1, true);
  view.setUint16(14, 0, true);
  view.setInt32(16, -1, true);
  view.setInt32(20, -1, true);
  return bytesOf(view);
}

/** Timestamps are in microseconds, pcapng's default resolution. `name`: ASCII (option if_name). */
export function emitInterface(description: CaptureInterface, name = ''): Uint8Array {
  const view = block(INTERFACE, 8 + (name === '' ? 0 : 4 + pad4(name.length) + 4));
  if (name !== '') {
    view.setUint16(16, IF_NAME, true);
    view.setUint16(18, name.length, true);
    for (let i = 0; i < name.length; i++) view.setUint8(20 + i, name.charCodeAt(i));
  }
  view.setUint16(8, description.linkType, true);
  view.setUint32(12, description.snapLength, true);
  return bytesOf(view);
}

/** `flags`: 1 inbound, 2 outbound, 0 unknown (option epb_flags). */
export function emitPacket(packet: CapturedPacket, flags = 0): Uint8Array {
  const captured = packet.bytes.length;
  const options = flags === 0 ? 0 : 12;
  const view = block(ENHANCED, 20 + pad4(captured) + options);
  view.setUint32(8, packet.interfaceId, true);
  view.setUint32(12, Math.floor(packet.timestamp / 0x100000000), true);
  view.setUint32(16, packet.timestamp % 0x100000000, true);
  view.setUint32(20, captured, true);
  view.setUint32(24, packet.originalLength, true);
  bytesOf(view).set(packet.bytes, 28);
  if (options > 0) {
    const at = 28 + pad4(captured);
    view.setUint16(at, 2, true);
    view.setUint16(at + 2, 4, true);
    view.setUint32(at + 4, flags, true);
  }
  return bytesOf(view);
}

/** Reads a whole file; null when it is none, or broken. */
export function parsePcapng(bytes: Uint8Array): Capture | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const interfaces: CaptureInterface[] = [];
  const packets: CapturedPacket[] = [];
  let little = true;
  let at = 0;
  while (at + 12 <= bytes.length) {
    const type = view.getUint32(at, little);
    if (type === SECTION) {
      const magic = view.getUint32(at + 8, true);
      if (magic !== MAGIC && view.getUint32(at + 8) !== MAGIC) return null;
      little = magic === MAGIC;
    } else if (at === 0) return null;
    const total = view.getUint32(at + 4, little);
    if (total < 12 || total % 4 !== 0 || total > bytes.length - at) return null;
    if (type === INTERFACE && total >= 20) {
      interfaces.push({
        linkType: view.getUint16(at + 8, little),
        snapLength: view.getUint32(at + 12, little),
      });
    } else if (type === ENHANCED) {
      const packet = parseEnhanced(view, at, total, little);
      if (packet === null) return null;
      packets.push(packet);
    }
    at += total;
  }
  return at === bytes.length && at > 0 ? { interfaces, packets } : null;
}

function parseEnhanced(view: DataView, at: number, total: number, little: boolean): CapturedPacket | null {
  if (total < 32) return null;
  const captured = view.getUint32(at + 20, little);
  if (captured > total - 32) return null;
  return {
    interfaceId: view.getUint32(at + 8, little),
    timestamp: view.getUint32(at + 12, little) * 0x100000000 + view.getUint32(at + 16, little),
    originalLength: view.getUint32(at + 24, little),
    bytes: new Uint8Array(view.buffer, view.byteOffset + at + 28, captured).slice(),
  };
}
