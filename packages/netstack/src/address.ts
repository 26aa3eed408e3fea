// IP addresses as immutable values of four 32-bit words; IPv4 is held v4-mapped (RFC 4291, 2.5.5.2) so that one type
// serves both families. Equality is by words (`equals`), never by identity: two objects may hold one address.
// AddressCache makes reading an address from a packet free of allocation for addresses seen before, in bounded memory.
import { formatIpv4, formatIpv6, parseAddressWords } from './address-text.js';
import { invariant } from './invariant.js';

/** A word that says "v4-mapped" as the third word of an address. */
const MAPPED = 0xffff;

export class Address {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  /** For IPv4 the whole address, as a signed 32-bit number. */
  readonly w3: number;
  readonly isV4: boolean;
  readonly hash: number;

  /** Words are big-endian 32-bit groups; any number is taken modulo 2^32. */
  constructor(w0: number, w1: number, w2: number, w3: number) {
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
    this.isV4 = (this.w0 | this.w1) === 0 && this.w2 === MAPPED;
    this.hash = hashWords(this.w0, this.w1, this.w2, this.w3);
  }

  equals(other: Address): boolean {
    return (
      this === other ||
      (this.w3 === other.w3 && this.w2 === other.w2 && this.w1 === other.w1 && this.w0 === other.w0)
    );
  }

  get isUnspecified(): boolean {
    return this.w3 === 0 && (this.isV4 || (this.w0 | this.w1 | this.w2) === 0);
  }

  get isLoopback(): boolean {
    if (this.isV4) return this.w3 >>> 24 === 127;
    return (this.w0 | this.w1 | this.w2) === 0 && this.w3 === 1;
  }

  get isMulticast(): boolean {
    return this.isV4 ? this.w3 >>> 28 === 0xe : this.w0 >>> 24 === 0xff;
  }

  /** 255.255.255.255; subnet broadcasts are a property of an interface. */
  get isLimitedBroadcast(): boolean {
    return this.isV4 && this.w3 === -1;
  }

  /** 169.254/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    return this.isV4 ? this.w3 >>> 16 === 0xa9fe : this.w0 >>> 22 === 0x3fa;
  }

  /** ff02::/16, ff01::/16 or 224.0.0/24: groups that no router forwards. */
  get isLinkLocalMulticast(): boolean {
    if (this.isV4) return this.w3 >>> 8 === 0xe00000;
    return this.w0 >>> 24 === 0xff && ((this.w0 >>> 16) & 0xf) <= 2;
  }

  /** Addresses that need an interface to be meaningful. */
  get needsScope(): boolean {
    return !this.isV4 && (this.isLinkLocal || (this.isMulticast && this.isLinkLocalMulticast));
  }

  /** Number of bytes on the wire: 4 or 16. */
  get byteLength(): number {
    return this.isV4 ? 4 : 16;
  }

  /** Bits of prefix length: 32 or 128. */
  get bits(): number {
    return this.isV4 ? 32 : 128;
  }

  /** Writes the address in its own family's wire form: 4 or 16 bytes. */
  write(view: DataView, offset: number): void {
    if (this.isV4) view.setInt32(offset, this.w3);
    else this.write16(view, offset);
  }

  /** Writes 16 bytes, IPv4 as v4-mapped. */
  write16(view: DataView, offset: number): void {
    view.setInt32(offset, this.w0);
    view.setInt32(offset + 4, this.w1);
    view.setInt32(offset + 8, this.w2);
    view.setInt32(offset + 12, this.w3);
  }

  /** Network order octets, 4 or 16. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    this.write(new DataView(bytes.buffer), 0);
    return bytes;
  }

  /** True when the first `length` bits (of this family) equal those of `other`, and the family is the same. */
  matches(other: Address, length: number): boolean {
    if (this.isV4 !== other.isV4) return false;
    const bits = this.isV4 ? length + 96 : length;
    return commonBits(this, other) >= bits;
  }

  /** The address with all bits behind the prefix cleared. */
  prefix(length: number): Address {
    const bits = this.isV4 ? length + 96 : length;
    return new Address(
      this.w0 & maskWord(bits),
      this.w1 & maskWord(bits - 32),
      this.w2 & maskWord(bits - 64),
      this.w3 & maskWord(bits - 96),
    );
  }

  /** RFC 5952 text, or dotted decimal. */
  toString(): string {
    return this.isV4 ? formatIpv4(this.w3) : formatIpv6(this.w0, this.w1, this.w2, this.w3);
  }

  static v4(value: number): Address {
    return new Address(0, 0, MAPPED, value);
  }

  /** Reads text of either family; null when it is not an address. `::ffff:a.b.c.d` reads as IPv4. */
  static parse(text: string): Address | null {
    const words = parseAddressWords(text);
    return words === null ? null : new Address(words[0], words[1], words[2], words[3]);
  }

  /** For literals in code and tests: throws on text that is not an address. */
  static of(text: string): Address {
    const address = Address.parse(text);
    if (address === null) invariant(false, `not an IP address: ${text}`);
    return address;
  }

  /** From 4 or 16 bytes; null for any other length. */
  static fromBytes(bytes: Uint8Array): Address | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length === 4) return Address.v4(view.getInt32(0));
    if (bytes.length !== 16) return null;
    return new Address(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12));
  }
}

export const ANY_V4 = Address.v4(0);
export const ANY_V6 = new Address(0, 0, 0, 0);
export const BROADCAST_V4 = Address.v4(0xffffffff);
export const LOOPBACK_V4 = Address.v4(0x7f000001);
export const LOOPBACK_V6 = new Address(0, 0, 0, 1);
export const ALL_NODES_V6 = new Address(0xff020000, 0, 0, 1);
export const ALL_ROUTERS_V6 = new Address(0xff020000, 0, 0, 2);
export const ALL_HOSTS_V4 = Address.v4(0xe0000001);
export const ALL_ROUTERS_V4 = Address.v4(0xe0000002);

/** ff02::1:ffXX:XXXX, the group in which a neighbour listens for solicitations (RFC 4291, 2.7.1). */
export function solicitedNode(address: Address): Address {
  return new Address(0xff020000, 0, 1, 0xff000000 | (address.w3 & 0xffffff));
}

/** Number of leading bits that two addresses share, 0–128. */
export function commonBits(a: Address, b: Address): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}

/** The 32-bit mask of a prefix of `bits` bits that begins in this word. */
export function maskWord(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : (-1 << (32 - bits)) | 0;
}

function hashWords(w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w3 ^ (w3 >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ w2 ^ (h >>> 12), 0x297a2d39);
  h = Math.imul(h ^ w1 ^ (h >>> 13), 0x2c1b3c6d);
  h = Math.imul(h ^ w0 ^ (h >>> 15), 0x297a2d39);
  return h ^ (h >>> 16);
}

/** Reads addresses from packets without allocating when the address was seen lately. Direct-mapped, so bounded. */
export class AddressCache {
  private readonly slots: Address[];
  private readonly mask: number;

  /** `size` is a power of two. */
  constructor(size = 4096) {
    this.slots = new Array<Address>(size).fill(ANY_V4);
    this.mask = size - 1;
  }

  words(w0: number, w1: number, w2: number, w3: number): Address {
    const slot = hashWords(w0 | 0, w1 | 0, w2 | 0, w3 | 0) & this.mask;
    const held = this.slots[slot] as Address;
    if (held.w3 === (w3 | 0) && held.w2 === (w2 | 0) && held.w1 === (w1 | 0) && held.w0 === (w0 | 0)) {
      return held;
    }
    const fresh = new Address(w0, w1, w2, w3);
    this.slots[slot] = fresh;
    return fresh;
  }

  /** Reads 4 bytes at `offset`. */
  readV4(view: DataView, offset: number): Address {
    return this.words(0, 0, MAPPED, view.getInt32(offset));
  }

  /** Reads 16 bytes at `offset`. */
  readV6(view: DataView, offset: number): Address {
    return this.words(
      view.getInt32(offset),
      view.getInt32(offset + 4),
      view.getInt32(offset + 8),
      view.getInt32(offset + 12),
    );
  }
}
