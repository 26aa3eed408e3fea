// The host's own answers: resolv.conf(5) for name servers, hosts(5) for names. Text in, data out: who reads the files is another's affair.
import { Address } from '@sandbox-kernel/netstack';
import { hostName } from '../policy/domain.js';

export interface NameServer {
  readonly address: Address;
  readonly port: number;
}

const DNS_PORT = 53;
const MAX_SERVERS = 3;

/** `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`; null when it is neither. */
export function parseNameServer(text: string): NameServer | null {
  const whole = Address.parse(text);
  if (whole !== null) return { address: whole, port: DNS_PORT };
  const match = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const address = match === null ? null : Address.parse(match[1] ?? match[2] ?? '');
  const port = Number(match?.[3]);
  return address === null || port < 1 || port > 65535 ? null : { address, port };
}

/** At most three, as resolvers take them. A zone (`%eth0`) is left out with its server: this process may not know it. */
export function nameServersOf(resolvConf: string): NameServer[] {
  const servers: NameServer[] = [];
  for (const line of resolvConf.split('\n')) {
    const text = /^[ \t]*nameserver[ \t]+(\S+)/.exec(line)?.[1];
    const address = text === undefined ? null : Address.parse(text);
    if (address !== null && servers.length < MAX_SERVERS) servers.push({ address, port: DNS_PORT });
  }
  return servers;
}

/** Names and their addresses. */
export function hostsOf(text: string): Map<string, Address[]> {
  const hosts = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [first = '', ...names] = (line.split('#')[0] ?? '').trim().split(/[ \t]+/);
    const address = Address.parse(first);
    if (address === null) continue;
    for (const written of names) {
      const name = hostName(written);
      if (name !== null) hosts.set(name, [...(hosts.get(name) ?? []), address]);
    }
  }
  return hosts;
}
