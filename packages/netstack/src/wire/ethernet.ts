// Ethernet II frames (IEEE 802.3, RFC 894). A hardware address is a plain number below 2^48.

export const ETHERNET_HEADER = 14;
/** ff:ff:ff:ff:ff:ff */
export const MAC_BROADCAST = 0xffffffffffff;
const TWO32 = 0x100000000;

export interface EthernetHeader {
  readonly destination: number;
  readonly source: number;
  readonly etherType: number;
}

export function readMac(view: DataView, at: number): number {
  return view.getUint16(at) * TWO32 + view.getUint32(at + 2);
}

export function writeMac(view: DataView, at: number, mac: number): void {
  view.setUint16(at, Math.floor(mac / TWO32));
  view.setUint32(at + 2, mac % TWO32);
}

/** Group addresses have the lowest bit of the first octet set. */
export function isGroupMac(mac: number): boolean {
  return (Math.floor(mac / 0x10000000000) & 1) === 1;
}

export function ethernetType(view: DataView, at: number): number {
  return view.getUint16(at + 12);
}

export function parseEthernet(view: DataView, start: number, end: number): EthernetHeader | null {
  if (end - start < ETHERNET_HEADER) return null;
  return {
    destination: readMac(view, start),
    source: readMac(view, start + 6),
    etherType: view.getUint16(start + 12),
  };
}

export function writeEthernet(
  view: DataView,
  at: number,
  destination: number,
  source: number,
  type: number,
): void {
  writeMac(view, at, destination);
  writeMac(view, at + 6, source);
  view.setUint16(at + 12, type);
}

export function emitEthernet(header: EthernetHeader, view: DataView, at: number): number {
  writeEthernet(view, at, header.destination, header.source, header.etherType);
  return ETHERNET_HEADER;
}

export function formatMac(mac: number): string {
  const text = mac.toString(16).padStart(12, '0');
  return (text.match(/../g) as string[]).join(':');
}

/** Six pairs of hexadecimal digits with `:` or `-`; null otherwise. */
export function parseMac(text: string): number | null {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return null;
  return Number.parseInt(text.replace(/[:-]/g, ''), 16);
}

/** RFC 1112 6.4: 01:00:5e and the low 23 bits. */
export function ipv4MulticastMac(group: number): number {
  return 0x01005e000000 + (group & 0x7fffff);
}

/** RFC 2464 section 7: 33:33 and the last four octets. */
export function ipv6MulticastMac(lastWord: number): number {
  return 0x333300000000 + (lastWord >>> 0);
}
