// Network options of the host API and their check: what is wrong is refused with what would be right, before a process is started.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  type NetworkLimits,
  nameServersOf,
  parseNameServer,
  parsePrefix,
  parseRule,
} from '@sandbox-kernel/network';
import {
  type NetworkMode,
  type NetworkSpec,
  NO_NETWORK,
  type ProxySpec,
  type PublishSpec,
  type QuestionReport,
  type RuleSpec,
  type TapSpec,
} from '../control/network-messages.js';
import { optionError, refuseUnknownKeys, refuseUnknownValue } from './option-checks.js';
import type { Switch } from './switch.js';
import { joinSwitch } from './switch-door.js';

/** One rule: what it does, to what. See docs/networking.md for the text. */
export type NetworkRule = { readonly allow: string } | { readonly deny: string };

/** What the application may say about a flow; nothing: as the rules say. */
export type ConnectDecision = 'allow' | 'deny' | undefined;

export interface PublishOptions {
  readonly guestPort: number;
  /** Default: any that is free. */
  readonly hostPort?: number;
  /** Address of this machine to listen at. Default 127.0.0.1. */
  readonly address?: string;
  readonly protocol?: 'tcp' | 'udp';
}

export interface TapOptions {
  /** Name of the device. */
  readonly name?: string;
  /** An open descriptor of one instead. */
  readonly fd?: number;
  /** ADDRESS/LENGTH of the guest, of either family. */
  readonly addresses?: readonly string[];
  readonly gateways?: readonly string[];
}

export interface NetworkOptions {
  /**
   * `none`: loopback only. `user`: connections end in the sandbox's own stack, under `rules`. `tap`: a TAP device.
   * `host`: this machine's own sockets, without rules.
   */
  readonly mode?: NetworkMode;
  /** In order; the first that matches decides, and what none allows is refused. */
  readonly rules?: readonly NetworkRule[];
  /** Report what would be refused, and let it pass. */
  readonly audit?: boolean;
  readonly publish?: readonly (string | PublishOptions)[];
  /** Name servers that the built-in DNS asks. Default: this machine's. */
  readonly dns?: readonly string[];
  /** `http://[USER:PASSWORD@]ADDRESS:PORT` or `socks5://…`: another proxy that carries TCP on. */
  readonly proxy?: string;
  readonly limits?: NetworkLimits;
  readonly tap?: TapOptions;
  /**
   * The switch to be plugged into, or the path at which another process's switch listens. Alone it makes `switch` the mode; with mode
   * `user`, or an option of it, the sandbox has both: the switch as `eth1`, to which no rules apply, and everything else by `user`.
   */
  readonly switch?: Switch | string;
  /** Name on the switch. Default: the sandbox's host name. */
  readonly name?: string;
  readonly mtu?: number;
  /** Host descriptor that a capture (pcapng) of the guest's link is written to. */
  readonly pcapFd?: number;
  /** Asked about each new flow; what it says wins over the rules. No answer in time refuses. */
  readonly onConnect?: (flow: QuestionReport) => ConnectDecision | Promise<ConnectDecision>;
  /** Milliseconds to wait for `onConnect`. Default 5,000. */
  readonly onConnectTimeout?: number;
}

const MODES = ['none', 'user', 'tap', 'switch', 'host'] as const;
const KEYS = [
  'mode',
  'rules',
  'audit',
  'publish',
  'dns',
  'proxy',
  'limits',
  'tap',
  'switch',
  'name',
  'mtu',
  'pcapFd',
  'onConnect',
  'onConnectTimeout',
] as const;
const LIMIT_KEYS = ['connections', 'connectionRate', 'datagramFlows', 'byteRate', 'bytes'] as const;
const DEFAULT_PATIENCE = 5000;

/** The spec, and the descriptors that its indexes mean, in order, from `firstFd` on. */
export interface NetworkPlan {
  readonly spec: NetworkSpec;
  readonly fds: readonly number[];
  /** Those of `fds` that were opened for the sandbox: to be closed once they are sent. */
  readonly toClose: readonly number[];
}

export function networkPlan(
  option: NetworkMode | NetworkOptions | undefined,
  hostname: string,
  firstFd: number,
): NetworkPlan {
  if (option === undefined) return { spec: NO_NETWORK, fds: [], toClose: [] };
  const options: NetworkOptions = typeof option === 'string' ? { mode: option } : option;
  refuseUnknownKeys(options, KEYS, 'network');
  const mode = checkedMode(options);
  const fds: number[] = [];
  const give = (fd: number | undefined) => (fd === undefined ? -1 : firstFd + fds.push(fd) - 1);
  const spec: NetworkSpec = {
    mode,
    rules: (options.rules ?? []).map(ruleSpec),
    audit: options.audit ?? false,
    limits: checkedLimits(options.limits ?? {}),
    publish: (options.publish ?? []).flatMap(publishSpecs),
    nameServers: nameServers(options.dns),
    hosts: mode === 'user' ? readText('/etc/hosts') : '',
    proxy: options.proxy === undefined ? null : proxySpec(options.proxy),
    tap: mode === 'tap' ? tapSpec(options, give(options.tap?.fd)) : null,
    mtu: checkedMtu(options.mtu ?? NO_NETWORK.mtu),
    pcap: give(options.pcapFd),
    askFor: options.onConnect === undefined ? 0 : (options.onConnectTimeout ?? DEFAULT_PATIENCE),
  };
  if (mode !== 'switch' && (mode !== 'user' || options.switch === undefined))
    return { spec, fds, toClose: [] };
  const plugged = plug(options, hostname);
  return { spec: { ...spec, tap: { ...plugged, fd: give(plugged.fd) } }, fds, toClose: [plugged.fd] };
}

/** A place on the switch: `fd` is the descriptor itself. */
function plug(options: NetworkOptions, hostname: string): TapSpec {
  const lan = options.switch;
  if (lan === undefined)
    throw optionError(
      "network mode 'switch' has no switch",
      'pass one: switch: new Switch(), or the path of one',
    );
  const name = options.name ?? hostname;
  return typeof lan === 'string' ? joinSwitch(lan, name) : lan.plug(name);
}

function checkedMode(options: NetworkOptions): NetworkMode {
  const userOnly = ['rules', 'audit', 'publish', 'proxy', 'limits', 'onConnect'] as const;
  const wantsUser = options.switch === undefined || userOnly.some((key) => options[key] !== undefined);
  const mode = options.mode ?? (wantsUser ? 'user' : 'switch');
  refuseUnknownValue('network mode', mode, MODES);
  const useless = mode === 'user' ? undefined : userOnly.find((key) => options[key] !== undefined);
  if (mode === 'host' && options.pcapFd !== undefined)
    throw optionError("network mode 'host' has no link to capture", 'capture on this machine');
  if (useless !== undefined)
    throw optionError(`network mode '${mode}' has no ${useless}`, "these belong to mode 'user'");
  return mode;
}

export function ruleSpec(rule: NetworkRule): RuleSpec {
  refuseUnknownKeys(rule, ['allow', 'deny'], 'network rule');
  const action = 'allow' in rule ? 'allow' : 'deny';
  const text = 'allow' in rule ? rule.allow : rule.deny;
  const parsed = parseRule(action, text);
  if ('message' in parsed) throw optionError(parsed.message, parsed.hint);
  return { action, text };
}

export function checkedLimits(limits: NetworkLimits): NetworkLimits {
  refuseUnknownKeys(limits, LIMIT_KEYS, 'network limits');
  for (const key of LIMIT_KEYS) {
    const value = limits[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      throw optionError(`network limit ${key} is ${value}`, 'it takes a whole number above 0');
  }
  return limits;
}

/** `[ADDRESS:]HOST:GUEST[/udp]`; HOST and GUEST may be ranges of one length; HOST alone missing or 0: any that is free. */
export function publishSpecs(option: string | PublishOptions): PublishSpec[] {
  if (typeof option !== 'string') return [publishSpec(option)];
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?(?:([0-9-]*):)?([0-9-]+)(?:\/(tcp|udp))?$/.exec(option);
  if (match === null) throw publishError(option);
  const [, first, second, guest = '', protocol] = match;
  // With one colon, what stands before it is the port of this machine.
  const isPort = second === undefined && first !== undefined && /^[0-9-]*$/.test(first);
  const address = isPort ? undefined : first?.replace(/^\[|\]$/g, '');
  const hostPorts = span(isPort ? first : (second ?? ''), option);
  const guestPorts = span(guest, option);
  if (guestPorts.length === 0 || (hostPorts.length > 0 && hostPorts.length !== guestPorts.length))
    throw publishError(option);
  return guestPorts.map((guestPort, i) =>
    publishSpec({
      guestPort,
      hostPort: hostPorts[i] ?? 0,
      ...(address === undefined || address === '' ? {} : { address }),
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
    }),
  );
}

function span(text: string, option: string): number[] {
  if (text === '') return [];
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || last - first > 1000) throw publishError(option);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function publishSpec(options: PublishOptions): PublishSpec {
  refuseUnknownKeys(options, ['guestPort', 'hostPort', 'address', 'protocol'], 'publish');
  const { guestPort, hostPort = 0, address = '127.0.0.1', protocol = 'tcp' } = options;
  refuseUnknownValue('protocol', protocol, ['tcp', 'udp']);
  const valid = isPort(guestPort) && guestPort > 0 && isPort(hostPort) && isIP(address) !== 0;
  if (!valid) throw publishError(`${address}:${hostPort}:${guestPort}`);
  return { protocol, address, hostPort, guestPort };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65535;
}

function publishError(text: string): Error {
  return optionError(
    `'${text}' is not a published port`,
    'write [ADDRESS:]HOST:GUEST[/udp], such as 8080:80',
  );
}

function nameServers(dns: readonly string[] | undefined): string[] {
  if (dns === undefined)
    return nameServersOf(readText('/etc/resolv.conf')).map(({ address }) => `${address}`);
  for (const text of dns) {
    if (parseNameServer(text) === null)
      throw optionError(`'${text}' is not a name server`, 'write an IP address, or ADDRESS:PORT');
  }
  return [...dns];
}

function proxySpec(text: string): ProxySpec {
  const match = /^(http|socks5h?):\/\/(?:([^:@]*)(?::([^@]*))?@)?(\[[^\]]+\]|[^:/]+):([0-9]{1,5})\/?$/.exec(
    text,
  );
  const address = match?.[4]?.replace(/^\[|\]$/g, '') ?? '';
  const port = Number(match?.[5]);
  if (match === null || isIP(address) === 0 || !isPort(port))
    throw optionError(
      `'${text.replace(/\/\/.*@/, '//…@')}' is not a proxy`,
      'write http://ADDRESS:PORT or socks5://ADDRESS:PORT, with an IP address',
    );
  const [, scheme, user, password] = match;
  return {
    kind: scheme === 'http' ? 'http' : 'socks5',
    address,
    port,
    ...(user === undefined ? {} : { user: decodeURIComponent(user) }),
    ...(password === undefined ? {} : { password: decodeURIComponent(password) }),
  };
}

function tapSpec(options: NetworkOptions, fd: number): TapSpec {
  const { name = '', addresses = [], gateways = [] } = options.tap ?? {};
  refuseUnknownKeys(options.tap ?? {}, ['name', 'fd', 'addresses', 'gateways'], 'tap');
  if (name === '' && fd < 0) throw optionError('a TAP device has no name', 'write tap:NAME or tap:fd=N');
  for (const text of addresses) {
    if (!text.includes('/') || parsePrefix(text) === null)
      throw optionError(`'${text}' is not an address with its prefix`, 'write it like 10.1.2.3/24');
  }
  for (const text of gateways) {
    if (isIP(text) === 0)
      throw optionError(`'${text}' is not an address`, 'write the gateway as an IP address');
  }
  const servers = options.dns === undefined ? [] : nameServers(options.dns);
  return { name, fd, addresses, gateways, nameServers: servers, mac: 0 };
}

function checkedMtu(mtu: number): number {
  if (Number.isInteger(mtu) && mtu >= 1280 && mtu <= 65535) return mtu;
  throw optionError(`mtu is ${mtu}`, 'it takes 1280 to 65535 bytes');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
