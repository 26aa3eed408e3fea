// The path MTU cache (RFC 1191, RFC 8201, and what RFC 4821 probing reports): one entry per destination, in bounded number,
// each aged so that a larger MTU is tried again.
import type { Address } from '../address.js';
import { AddressMap } from '../storage/address-map.js';

export class PathMtuEntry {
  readonly destination: Address;
  mtu: number;
  expires: number;

  constructor(destination: Address, mtu: number, expires: number) {
    this.destination = destination;
    this.mtu = mtu;
    this.expires = expires;
  }
}

/** RFC 1191 6.3 and Linux's mtu_expires: ten minutes. */
const LIFETIME = 600_000_000;

export class PathMtuCache {
  private entries: AddressMap<PathMtuEntry>;
  private readonly maxEntries: number;
  /** Rises whenever an entry changes. */
  generation: number;

  constructor(maxEntries = 4096) {
    this.entries = new AddressMap();
    this.maxEntries = maxEntries;
    this.generation = 1;
  }

  /** What is known about `destination`; null when nothing is, or it has aged. */
  find(destination: Address, now: number): PathMtuEntry | null {
    if (this.entries.size === 0) return null;
    const entry = this.entries.get(destination);
    if (entry === null || entry.expires > now) return entry;
    this.entries.delete(destination);
    this.generation++;
    return null;
  }

  /** The MTU towards `destination`; `deviceMtu` when nothing smaller is known. */
  lookup(destination: Address, deviceMtu: number, now: number): number {
    const entry = this.find(destination, now);
    return entry === null ? deviceMtu : Math.min(entry.mtu, deviceMtu);
  }

  /** Learns a smaller MTU; returns false when nothing changed. */
  lower(destination: Address, mtu: number, current: number, now: number): boolean {
    const floor = destination.isV4 ? 552 : 1280;
    const value = Math.max(mtu, floor);
    if (value >= current) return false;
    // A flood of forged errors costs everyone's learnt MTUs, not memory.
    if (this.entries.size >= this.maxEntries) this.entries = new AddressMap();
    this.entries.set(destination, new PathMtuEntry(destination, value, now + LIFETIME));
    this.generation++;
    return true;
  }

  /** Probing found that `mtu` gets through. */
  raise(destination: Address, mtu: number, now: number): void {
    const entry = this.entries.get(destination);
    if (entry === null || mtu <= entry.mtu) return;
    entry.mtu = mtu;
    entry.expires = now + LIFETIME;
    this.generation++;
  }

  clear(): void {
    this.entries = new AddressMap();
    this.generation++;
  }
}

/** RFC 1191 section 7.1: the plateau below a packet's length, for routers that do not tell their MTU. */
export function plateauBelow(length: number): number {
  const plateaus = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 576];
  for (const plateau of plateaus) if (plateau < length) return plateau;
  return 552;
}
