// What IPPROTO_IP and IPPROTO_IPV6 options keep on a socket (ip(7), ipv6(7)).
import { IP_PMTUDISC_WANT } from '@sandbox-kernel/abi';

export class IpState {
  tos: number;
  /** -1: the default. */
  ttl: number;
  mtuDiscover: number;
  receiveErrors: boolean;
  freeBind: boolean;
  transparent: boolean;
  noDefrag: boolean;
  minTtl: number;
  bindAddressNoPort: boolean;
  portRange: number;
  unicastInterface: number;
  multicastTtl: number;
  multicastLoop: boolean;
  multicastAll: boolean;
  multicastInterface: number;
  /** IPv4 address given with IP_MULTICAST_IF. */
  multicastAddress: number;
  headerIncluded: boolean;
  /** IP_OPTIONS, padded; null: none. */
  options: Uint8Array | null;
  /** IP_RECV*, by option number: what ancillary data to attach. */
  readonly receive4: Set<number>;

  v6Only: boolean;
  trafficClass: number;
  /** -1: the default. */
  unicastHops: number;
  multicastHops: number;
  multicastLoop6: boolean;
  multicastAll6: boolean;
  multicastInterface6: number;
  mtuDiscover6: number;
  receiveErrors6: boolean;
  dontFragment: boolean;
  mtu6: number;
  minHopCount: number;
  autoFlowLabel: boolean;
  addressPreferences: number;
  flowInfoSend: boolean;
  unicastInterface6: number;
  readonly receive6: Set<number>;
  /** IPV6_HOPOPTS and its like, by option. */
  readonly headers6: Map<number, Uint8Array>;

  constructor(v6Only: boolean) {
    this.tos = 0;
    this.ttl = -1;
    this.mtuDiscover = IP_PMTUDISC_WANT;
    this.receiveErrors = false;
    this.freeBind = false;
    this.transparent = false;
    this.noDefrag = false;
    this.minTtl = 0;
    this.bindAddressNoPort = false;
    this.portRange = 0;
    this.unicastInterface = 0;
    this.multicastTtl = 1;
    this.multicastLoop = true;
    this.multicastAll = true;
    this.multicastInterface = 0;
    this.multicastAddress = 0;
    this.headerIncluded = false;
    this.options = null;
    this.receive4 = new Set();
    this.v6Only = v6Only;
    this.trafficClass = 0;
    this.unicastHops = -1;
    this.multicastHops = -1;
    this.multicastLoop6 = true;
    this.multicastAll6 = true;
    this.multicastInterface6 = 0;
    this.mtuDiscover6 = IP_PMTUDISC_WANT;
    this.receiveErrors6 = false;
    this.dontFragment = false;
    this.mtu6 = 0;
    this.minHopCount = 0;
    this.autoFlowLabel = true;
    this.addressPreferences = 0x0800;
    this.flowInfoSend = false;
    this.unicastInterface6 = 0;
    this.receive6 = new Set();
    this.headers6 = new Map();
  }

  /** For an accepted connection. */
  inherit(from: IpState): void {
    Object.assign(this, {
      ...from,
      receive4: new Set(from.receive4),
      receive6: new Set(from.receive6),
      headers6: new Map(from.headers6),
    });
  }
}
