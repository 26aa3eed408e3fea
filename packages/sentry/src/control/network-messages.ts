// The network's part of the control channel: what a sandbox's link leads to, changes while it runs, and what it tells.
import type { NetworkEvent, NetworkLimits } from '@sandbox-kernel/network';

export type NetworkMode = 'none' | 'user' | 'tap' | 'switch' | 'host';

/** One rule in order, in the text that network's parseRule reads. */
export interface RuleSpec {
  readonly action: 'allow' | 'deny';
  readonly text: string;
}

export interface PublishSpec {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  /** 0: the host chooses. */
  readonly hostPort: number;
  readonly guestPort: number;
}

export interface ProxySpec {
  readonly kind: 'http' | 'socks5';
  readonly address: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
}

/** A link whose frames go by a descriptor: a TAP device, or a stream to a switch. */
export interface TapSpec {
  readonly name: string;
  /** Index among the frame's descriptors, or -1. */
  readonly fd: number;
  /** ADDRESS/LENGTH. */
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly nameServers: readonly string[];
  /** Hardware address; 0 for a default. */
  readonly mac: number;
}

export interface NetworkSpec {
  readonly mode: NetworkMode;
  readonly rules: readonly RuleSpec[];
  readonly audit: boolean;
  readonly limits: NetworkLimits;
  readonly publish: readonly PublishSpec[];
  /** ADDRESS, ADDRESS:PORT or [IPV6]:PORT. */
  readonly nameServers: readonly string[];
  /** In the form of hosts(5). */
  readonly hosts: string;
  readonly proxy: ProxySpec | null;
  readonly tap: TapSpec | null;
  readonly mtu: number;
  /** Index of the descriptor that the capture goes to, or -1. */
  readonly pcap: number;
  /** Ask the application about each flow, and wait this many milliseconds; 0: don't ask. */
  readonly askFor: number;
}

export const NO_NETWORK: NetworkSpec = {
  mode: 'none',
  rules: [],
  audit: false,
  limits: {},
  publish: [],
  nameServers: [],
  hosts: '',
  proxy: null,
  tap: null,
  mtu: 1500,
  pcap: -1,
  askFor: 0,
};

/** A flow, as the application sees it. */
export interface ConnectionReport {
  readonly direction: 'out' | 'in';
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly address: string;
  readonly port: number;
  readonly names: readonly string[];
}

export interface QuestionReport extends ConnectionReport {
  /** What the rules say, and why. */
  readonly allowed: boolean;
  readonly reason: string;
  /** The special range that the address is in; null for the public internet. */
  readonly range: string | null;
}

export type NetworkRequest =
  | {
      readonly id: number;
      readonly call: 'network-update';
      readonly rules: readonly RuleSpec[] | null;
      readonly audit: boolean | null;
      readonly limits: NetworkLimits | null;
    }
  | { readonly id: number; readonly call: 'network-publish'; readonly port: PublishSpec }
  | {
      readonly id: number;
      readonly call: 'network-unpublish';
      readonly protocol: 'tcp' | 'udp';
      readonly hostPort: number;
    }
  | { readonly id: number; readonly call: 'network-connections' }
  /** Before the sandbox ends: how many connections have data on its way out; `now` ends them all the same. */
  | { readonly id: number; readonly call: 'network-end'; readonly now: boolean }
  | {
      readonly id: number;
      readonly call: 'network-answer';
      readonly question: number;
      readonly decision: 'allow' | 'deny' | 'rules';
    };

export type NetworkNotice =
  | { readonly event: 'network'; readonly what: NetworkEvent }
  | { readonly event: 'network-question'; readonly question: number; readonly about: QuestionReport };
