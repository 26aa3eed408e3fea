// An address of an interface: its prefix, its lifetimes (RFC 4862 5.5.4) and, for IPv6, the state of duplicate address
// detection. While it is tentative it may not be used.
import { Address, maskWord } from '../address.js';

export const ADDRESS_TENTATIVE = 0;
export const ADDRESS_PREFERRED = 1;
export const ADDRESS_DEPRECATED = 2;
/** Someone else has it: kept, so that it can be seen, but never used. */
export const ADDRESS_DUPLICATE = 3;

export class InterfaceAddress {
  readonly address: Address;
  readonly prefixLength: number;
  readonly interfaceIndex: number;
  /** Subnet broadcast of IPv4 with a prefix up to /30; null otherwise. */
  readonly broadcast: Address | null;
  state: number;
  /** Microseconds. */
  preferredUntil: number;
  validUntil: number;
  /** Solicitations still to be sent by duplicate address detection. */
  dadLeft: number;
  /** From a router's prefix rather than set by hand. */
  readonly autoconfigured: boolean;

  constructor(address: Address, prefixLength: number, interfaceIndex: number, autoconfigured: boolean) {
    this.address = address;
    this.prefixLength = prefixLength;
    this.interfaceIndex = interfaceIndex;
    this.broadcast =
      address.isV4 && prefixLength <= 30 ? Address.v4(address.w3 | ~maskWord(prefixLength)) : null;
    this.state = ADDRESS_PREFERRED;
    this.preferredUntil = Number.POSITIVE_INFINITY;
    this.validUntil = Number.POSITIVE_INFINITY;
    this.dadLeft = 0;
    this.autoconfigured = autoconfigured;
  }

  get isUsable(): boolean {
    return this.state === ADDRESS_PREFERRED || this.state === ADDRESS_DEPRECATED;
  }

  get isDeprecated(): boolean {
    return this.state === ADDRESS_DEPRECATED;
  }

  /** Prefix length in bits of the v4-mapped form. */
  get prefixBits(): number {
    return this.address.isV4 ? this.prefixLength + 96 : this.prefixLength;
  }

  covers(other: Address): boolean {
    return other.matches(this.address, this.prefixLength);
  }
}
