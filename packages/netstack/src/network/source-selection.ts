// Choosing a source address (RFC 6724 section 5 for IPv6; for IPv4 Linux's way: an address on the next hop's subnet first)
// and ordering destinations (RFC 6724 section 6).
import { Address, commonBits } from '../address.js';
import type { InterfaceAddress } from './interface-address.js';

interface Policy {
  readonly prefix: Address;
  readonly length: number;
  readonly precedence: number;
  readonly label: number;
}

/** RFC 6724 section 2.1. IPv4 destinations match ::ffff:0:0/96, which the v4-mapped form does by itself. */
const POLICIES: readonly Policy[] = [
  { prefix: Address.of('::1'), length: 128, precedence: 50, label: 0 },
  { prefix: Address.of('::'), length: 96, precedence: 1, label: 3 },
  { prefix: Address.of('2001::'), length: 32, precedence: 5, label: 5 },
  { prefix: Address.of('2002::'), length: 16, precedence: 30, label: 2 },
  { prefix: Address.of('3ffe::'), length: 16, precedence: 1, label: 12 },
  { prefix: Address.of('fec0::'), length: 10, precedence: 1, label: 11 },
  { prefix: Address.of('fc00::'), length: 7, precedence: 3, label: 13 },
];
const POLICY_V4: Policy = { prefix: Address.of('0.0.0.0'), length: 0, precedence: 35, label: 4 };
const POLICY_DEFAULT: Policy = { prefix: Address.of('::'), length: 0, precedence: 40, label: 1 };

function policyOf(address: Address): Policy {
  if (address.isV4) return POLICY_V4;
  for (const policy of POLICIES) if (address.matches(policy.prefix, policy.length)) return policy;
  return POLICY_DEFAULT;
}

/** RFC 4291 and RFC 6724 3.1: 2 link-local, 5 site-local, 14 global. IPv4 loopback and 169.254/16 are link-local. */
export function scopeOf(address: Address): number {
  if (address.isMulticast && !address.isV4) return (address.w0 >>> 16) & 15;
  if (address.isLinkLocal || address.isLoopback) return 2;
  return !address.isV4 && address.w0 >>> 22 === 0x3fb ? 5 : 14;
}

/** Whether `a` is the better source for `destination` than `b`, both usable. Rules 1–8. */
export function betterSource(
  a: InterfaceAddress,
  b: InterfaceAddress,
  destination: Address,
  outInterface: number,
): boolean {
  if (a.address.equals(destination)) return true;
  if (b.address.equals(destination)) return false;
  const scopeA = scopeOf(a.address);
  const scopeB = scopeOf(b.address);
  const wanted = scopeOf(destination);
  if (scopeA !== scopeB) return scopeA < scopeB ? scopeA >= wanted : scopeB < wanted;
  if (a.isDeprecated !== b.isDeprecated) return b.isDeprecated;
  const onA = a.interfaceIndex === outInterface;
  if (onA !== (b.interfaceIndex === outInterface)) return onA;
  const label = policyOf(destination).label;
  const labelA = policyOf(a.address).label === label;
  if (labelA !== (policyOf(b.address).label === label)) return labelA;
  const bitsA = Math.min(commonBits(a.address, destination), a.prefixBits);
  const bitsB = Math.min(commonBits(b.address, destination), b.prefixBits);
  return bitsA > bitsB;
}

/** A destination with the source that would be used for it; null when there is no route. */
export interface DestinationCandidate {
  readonly destination: Address;
  readonly source: Address | null;
}

/** Sorts destinations as getaddrinfo(3) does: RFC 6724 section 6, the order of equals kept. */
export function sortDestinations(candidates: readonly DestinationCandidate[]): Address[] {
  return [...candidates].sort(compareDestinations).map((candidate) => candidate.destination);
}

function compareDestinations(a: DestinationCandidate, b: DestinationCandidate): number {
  if (a.source === null || b.source === null) return Number(a.source === null) - Number(b.source === null);
  const matchA = scopeOf(a.destination) === scopeOf(a.source);
  const matchB = scopeOf(b.destination) === scopeOf(b.source);
  if (matchA !== matchB) return matchA ? -1 : 1;
  const labelA = policyOf(a.destination).label === policyOf(a.source).label;
  const labelB = policyOf(b.destination).label === policyOf(b.source).label;
  if (labelA !== labelB) return labelA ? -1 : 1;
  const precedence = policyOf(b.destination).precedence - policyOf(a.destination).precedence;
  if (precedence !== 0) return precedence;
  const scope = scopeOf(a.destination) - scopeOf(b.destination);
  if (scope !== 0) return scope;
  if (a.destination.isV4 !== b.destination.isV4) return 0;
  return commonBits(b.destination, b.source) - commonBits(a.destination, a.source);
}
