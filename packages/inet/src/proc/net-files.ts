// The files of /proc/net by name.
import type { Internet } from '../internet.js';
import { XT_MATCHES, XT_TARGETS } from '../netfilter/xt/xt-rules.js';
import {
  netstatText,
  protocolsText,
  snmp6Text,
  snmpText,
  sockstat6Text,
  sockstatText,
} from './counter-text.js';
import {
  arpText,
  devText,
  ifInet6Text,
  igmp6Text,
  igmpText,
  ipv6RouteText,
  ptypeText,
  routeText,
} from './link-text.js';
import {
  netlinkText,
  packetText,
  pingText,
  rawText,
  tcpText,
  udpLiteText,
  udpText,
  unixText,
} from './socket-text.js';

export type NetText = (internet: Internet) => string;

const namesText = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('');

export const NET_FILES: readonly (readonly [string, NetText])[] = [
  ['arp', arpText],
  ['dev', devText],
  ['ip6_tables_matches', () => namesText(XT_MATCHES.names(true))],
  ['ip6_tables_names', (internet) => namesText(internet.netfilter.v6.names)],
  ['ip6_tables_targets', () => namesText(['ERROR', ...XT_TARGETS.names(true)])],
  ['ip_tables_matches', () => namesText(XT_MATCHES.names(false))],
  ['ip_tables_names', (internet) => namesText(internet.netfilter.v4.names)],
  ['ip_tables_targets', () => namesText(['ERROR', ...XT_TARGETS.names(false)])],
  ['icmp', (internet) => pingText(internet, false)],
  ['icmp6', (internet) => pingText(internet, true)],
  ['if_inet6', ifInet6Text],
  ['igmp', igmpText],
  ['igmp6', igmp6Text],
  ['ipv6_route', ipv6RouteText],
  ['netlink', netlinkText],
  ['netstat', netstatText],
  ['packet', packetText],
  ['protocols', protocolsText],
  ['psched', () => '000003e8 00000040 000f4240 3b9aca00\n'],
  ['ptype', ptypeText],
  ['raw', (internet) => rawText(internet, false)],
  ['raw6', (internet) => rawText(internet, true)],
  ['route', routeText],
  ['snmp', snmpText],
  ['snmp6', snmp6Text],
  ['sockstat', sockstatText],
  ['sockstat6', sockstat6Text],
  ['tcp', (internet) => tcpText(internet, false)],
  ['tcp6', (internet) => tcpText(internet, true)],
  ['udp', (internet) => udpText(internet, false)],
  ['udp6', (internet) => udpText(internet, true)],
  ['udplite', (internet) => udpLiteText(internet, false)],
  ['udplite6', (internet) => udpLiteText(internet, true)],
  ['unix', unixText],
];
