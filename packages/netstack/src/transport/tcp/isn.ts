// Initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 section 5.4) and SYN cookies, all from keyed hashes of
// the flow. A cookie holds a counter of 64-second steps and an index into a table of segment sizes; window scale, SACK
// and ECN travel in the low bits of the timestamp.

import type { Address } from '../../address.js';
import { SipHash } from '../siphash.js';

const COOKIE_STEP = 64_000_000;
const MAX_COOKIE_AGE = 2;
const COOKIE_SIZES = [536, 1300, 1440, 1460, 4312, 8960, 16396, 65495];
const TIMESTAMP_BITS = 6;
const NO_SCALE = 0xf;

export class SequenceSource {
  private readonly isn: SipHash;
  private readonly offsets: SipHash;
  private readonly cookies: SipHash;

  constructor(random: () => number) {
    this.isn = new SipHash(randomKey(random));
    this.offsets = new SipHash(randomKey(random));
    this.cookies = new SipHash(randomKey(random));
  }

  /** `now` in microseconds: the clock ticks every 4 µs, as RFC 9293 has it. */
  initial(local: Address, localPort: number, remote: Address, remotePort: number, now: number): number {
    return (digest(this.isn, local, localPort, remote, remotePort, 0) + Math.floor(now / 4)) | 0;
  }

  /** Timestamps of two connections to one peer must not be comparable. Ports don't enter: PAWS over TIME-WAIT needs it. */
  timestampOffset(local: Address, remote: Address): number {
    return digest(this.offsets, local, 0, remote, 0, 0);
  }

  cookie(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    irs: number,
    mss: number,
    now: number,
  ): number {
    const step = Math.floor(now / COOKIE_STEP) & 0x1f;
    const base = digest(this.cookies, local, localPort, remote, remotePort, step);
    return (step << 27) | (((base >>> 5) + sizeIndex(mss) + irs) & 0x07ffffff) | 0;
  }

  /** The segment size that a returned cookie stands for, or 0 if it is not one of ours or too old. */
  checkCookie(
    cookie: number,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    irs: number,
    now: number,
  ): number {
    const step = cookie >>> 27;
    const age = (Math.floor(now / COOKIE_STEP) - step) & 0x1f;
    if (age >= MAX_COOKIE_AGE) return 0;
    const base = digest(this.cookies, local, localPort, remote, remotePort, step);
    const index = ((cookie & 0x07ffffff) - (base >>> 5) - irs) & 0x07ffffff;
    return COOKIE_SIZES[index] ?? 0;
  }

  /** RFC 7413 section 4.1.2: a cookie for the client's address. */
  fastOpenCookie(into: Uint8Array, remote: Address): void {
    const low = digest(this.offsets, remote, 1, remote, 1, 1);
    const high = this.offsets.high();
    for (let i = 0; i < 4; i++) {
      into[i] = low >>> (8 * i);
      into[i + 4] = high >>> (8 * i);
    }
  }
}

function randomKey(random: () => number): Uint8Array {
  const key = new Uint8Array(16);
  for (let i = 0; i < 16; i++) key[i] = random();
  return key;
}

function digest(
  hash: SipHash,
  local: Address,
  localPort: number,
  remote: Address,
  remotePort: number,
  extra: number,
): number {
  hash.begin();
  hash.word(local.w0);
  hash.word(local.w1);
  hash.word(local.w2);
  hash.word(local.w3);
  hash.word(remote.w0);
  hash.word(remote.w1);
  hash.word(remote.w2);
  hash.word(remote.w3);
  hash.word((localPort << 16) | remotePort);
  hash.word(extra);
  return hash.end();
}

function sizeIndex(mss: number): number {
  let index = 0;
  while (index + 1 < COOKIE_SIZES.length && COOKIE_SIZES[index + 1]! <= mss) index++;
  return index;
}

/** The timestamp of a cookie's SYN-ACK: never later than `timestamp`, options in its low bits. */
export function encodeCookieTimestamp(
  timestamp: number,
  windowScale: number,
  sackOk: boolean,
  ecn: boolean,
): number {
  const bits = (windowScale < 0 ? NO_SCALE : windowScale) | (sackOk ? 0x10 : 0) | (ecn ? 0x20 : 0);
  const mask = (1 << TIMESTAMP_BITS) - 1;
  const encoded = (timestamp & ~mask) | bits;
  return ((encoded - timestamp) | 0) > 0 ? (encoded - (1 << TIMESTAMP_BITS)) | 0 : encoded;
}

export function cookieWindowScale(echo: number): number {
  const scale = echo & NO_SCALE;
  return scale === NO_SCALE ? -1 : scale;
}

export function cookieSackOk(echo: number): boolean {
  return (echo & 0x10) !== 0;
}

export function cookieEcn(echo: number): boolean {
  return (echo & 0x20) !== 0;
}
