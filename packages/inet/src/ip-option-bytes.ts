// IPv4 options as a program gives them (ip(7), IP_OPTIONS; RFC 791 section 3.1), checked as Linux checks them. Source routes are refused:
// nothing here sends by them, and nobody takes them (RFC 7126 section 4.3).
import { EINVAL, EOPNOTSUPP } from '@sandbox-kernel/abi';

const MOST = 40;
const END = 0;
const NOP = 1;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const LOOSE_ROUTE = 131;
const STRICT_ROUTE = 137;
const ROUTER_ALERT = 148;
const TIME_ONLY = 0;
const TIME_AND_ADDRESS = 1;
const PRESPECIFIED = 3;

/** The options padded to four bytes; null: none; -EINVAL. `mayAny`: the program holds CAP_NET_RAW. */
export function parseIpOptions(given: Uint8Array, mayAny: boolean): Uint8Array | null | number {
  if (given.length > MOST) return -EINVAL;
  if (given.length === 0) return null;
  const bytes = new Uint8Array(Math.ceil(given.length / 4) * 4);
  bytes.set(given);
  const seen = new Set<number>();
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at] as number;
    if (type === END) {
      bytes.fill(END, at);
      break;
    }
    const length = type === NOP ? 1 : (bytes[at + 1] ?? 0);
    if (type !== NOP && (length < 2 || at + length > bytes.length)) return -EINVAL;
    const wrong = type === NOP ? 0 : checkOption(bytes.subarray(at, at + length), seen, mayAny);
    if (wrong !== 0) return wrong;
    at += length;
  }
  return bytes;
}

function checkOption(option: Uint8Array, seen: Set<number>, mayAny: boolean): number {
  const type = option[0] as number;
  switch (type) {
    case RECORD_ROUTE:
      if (option.length < 3 || seen.has(type) || !hasRoute(option)) return -EINVAL;
      break;
    case TIMESTAMP:
      if (option.length < 4 || seen.has(type) || !hasTimes(option, mayAny)) return -EINVAL;
      break;
    case ROUTER_ALERT:
      return option.length < 4 ? -EINVAL : 0;
    case LOOSE_ROUTE:
    case STRICT_ROUTE:
      return isSourceRoute(option) ? -EOPNOTSUPP : -EINVAL;
    default:
      return mayAny ? 0 : -EINVAL;
  }
  seen.add(type);
  return 0;
}

function hasRoute(option: Uint8Array): boolean {
  const pointer = option[2] as number;
  return pointer >= 4 && (pointer > option.length || pointer + 3 <= option.length);
}

function hasTimes(option: Uint8Array, mayAny: boolean): boolean {
  const pointer = option[2] as number;
  const flag = (option[3] as number) & 15;
  if (pointer < 5) return false;
  if (pointer > option.length) return flag === PRESPECIFIED || (option[3] as number) >> 4 !== 15;
  if (pointer + 3 > option.length) return false;
  if (flag === TIME_ONLY) return true;
  if (flag === TIME_AND_ADDRESS || flag === PRESPECIFIED) return pointer + 7 <= option.length;
  return mayAny;
}

function isSourceRoute(option: Uint8Array): boolean {
  return option[2] === 4 && option.length >= 7 && (option.length - 3) % 4 === 0;
}
