// /proc/sys/net: settings that programs look up (tcp(7), udp(7), ip(7), ipv6(7)), and those that root may change and sockets heed.
import type { Internet } from '../internet.js';
import { conntrackCount } from './conntrack-text.js';

/** A file below /proc/sys/net. `set` gets the text trimmed; it returns 0 or -errno. */
export interface Sysctl {
  readonly path: string;
  readonly get: () => string;
  readonly set?: (text: string) => number;
}

const EINVAL = 22;

function number(
  path: string,
  low: number,
  high: number,
  get: () => number,
  put: (value: number) => void,
): Sysctl {
  return {
    path,
    get: () => String(get()),
    set: (text) => {
      const value = Number(text);
      if (!/^-?\d+$/.test(text) || value < low || value > high) return -EINVAL;
      put(value);
      return 0;
    },
  };
}

function fixed(path: string, value: string | number): Sysctl {
  return { path, get: () => String(value) };
}

function coreSysctls(internet: Internet): Sysctl[] {
  const s = internet.settings;
  return [
    number(
      'core/rmem_default',
      2304,
      2 ** 31 - 1,
      () => s.receiveDefault,
      (value) => {
        s.receiveDefault = value;
      },
    ),
    number(
      'core/wmem_default',
      4608,
      2 ** 31 - 1,
      () => s.sendDefault,
      (value) => {
        s.sendDefault = value;
      },
    ),
    number(
      'core/rmem_max',
      2304,
      2 ** 31 - 1,
      () => s.receiveMost,
      (value) => {
        s.receiveMost = value;
      },
    ),
    number(
      'core/wmem_max',
      4608,
      2 ** 31 - 1,
      () => s.sendMost,
      (value) => {
        s.sendMost = value;
      },
    ),
    number(
      'core/somaxconn',
      0,
      2 ** 31 - 1,
      () => s.somaxconn,
      (value) => {
        s.somaxconn = value;
      },
    ),
    fixed('core/optmem_max', 131072),
    fixed('core/netdev_max_backlog', 1000),
    fixed('core/default_qdisc', 'fq_codel'),
    fixed('core/busy_poll', 0),
    fixed('core/busy_read', 0),
    fixed('core/bpf_jit_enable', 0),
  ];
}

/** Whose groups may open ping sockets (icmp(7)). */
function pingGroups(internet: Internet): Sysctl {
  const s = internet.settings;
  return {
    path: 'ipv4/ping_group_range',
    get: () => `${s.pingGroupLow}\t${s.pingGroupHigh}`,
    set: (text) => {
      const match = /^(\d+)\s+(\d+)$/.exec(text);
      if (match === null || Number(match[1]) > 2 ** 31 - 1 || Number(match[2]) > 2 ** 31 - 1) return -EINVAL;
      s.pingGroupLow = Number(match[1]);
      s.pingGroupHigh = Number(match[2]);
      return 0;
    },
  };
}

function ipSysctls(internet: Internet): Sysctl[] {
  const s = internet.settings;
  const { network } = internet.stack;
  const ifaces = () => network.interfaceList();
  return [
    number(
      'ipv4/ip_default_ttl',
      1,
      255,
      () => s.ttl,
      (value) => {
        s.ttl = value;
      },
    ),
    number(
      'ipv4/ip_unprivileged_port_start',
      0,
      65535,
      () => s.unprivilegedPort,
      (value) => {
        s.unprivilegedPort = value;
      },
    ),
    number(
      'ipv4/ip_nonlocal_bind',
      0,
      1,
      () => (s.nonlocalBind ? 1 : 0),
      (value) => {
        s.nonlocalBind = value === 1;
      },
    ),
    number(
      'ipv4/ip_forward',
      0,
      1,
      () => (ifaces().some((iface) => iface.forwarding) ? 1 : 0),
      (value) => {
        for (const iface of ifaces()) iface.forwarding = value === 1;
      },
    ),
    number(
      'ipv4/icmp_echo_ignore_all',
      0,
      1,
      () => (network.answerEcho ? 0 : 1),
      (value) => {
        network.answerEcho = value === 0;
      },
    ),
    number(
      'ipv6/bindv6only',
      0,
      1,
      () => (s.v6Only ? 1 : 0),
      (value) => {
        s.v6Only = value === 1;
      },
    ),
    pingGroups(internet),
    fixed('ipv4/ip_local_port_range', internet.tcp.config.portRange.join('\t')),
    fixed('ipv4/ip_local_reserved_ports', ''),
    fixed('ipv4/icmp_echo_ignore_broadcasts', 1),
    fixed('ipv4/ip_no_pmtu_disc', 0),
    fixed('ipv4/ip_dynaddr', 0),
    fixed('ipv4/igmp_max_memberships', 20),
    fixed('ipv4/igmp_max_msf', 10),
    fixed('ipv6/ip_nonlocal_bind', 0),
    fixed('ipv6/auto_flowlabels', 1),
  ];
}

function tcpSysctls(internet: Internet): Sysctl[] {
  const c = internet.tcp.config;
  const s = internet.settings;
  const flag = (value: boolean): number => (value ? 1 : 0);
  return [
    fixed('ipv4/tcp_rmem', c.receiveMemory.join('\t')),
    fixed('ipv4/tcp_wmem', c.sendMemory.join('\t')),
    fixed('ipv4/tcp_mem', '287901\t383868\t575802'),
    fixed('ipv4/udp_mem', '575802\t767738\t1151604'),
    fixed('ipv4/udp_rmem_min', 4096),
    fixed('ipv4/udp_wmem_min', 4096),
    fixed('ipv4/tcp_moderate_rcvbuf', flag(c.moderateReceiveBuffer)),
    fixed('ipv4/tcp_sack', flag(c.sack)),
    fixed('ipv4/tcp_dsack', flag(c.dsack)),
    fixed('ipv4/tcp_timestamps', flag(c.timestamps)),
    fixed('ipv4/tcp_window_scaling', flag(c.windowScaling)),
    fixed('ipv4/tcp_ecn', c.ecn),
    fixed('ipv4/tcp_fastopen', c.fastOpen),
    fixed('ipv4/tcp_syncookies', c.synCookies),
    fixed('ipv4/tcp_syn_retries', c.synRetries),
    fixed('ipv4/tcp_synack_retries', c.synAckRetries),
    fixed('ipv4/tcp_retries1', c.retries1),
    fixed('ipv4/tcp_retries2', c.retries2),
    fixed('ipv4/tcp_fin_timeout', c.finTimeout / 1e6),
    fixed('ipv4/tcp_keepalive_time', c.keepIdle / 1e6),
    fixed('ipv4/tcp_keepalive_intvl', c.keepInterval / 1e6),
    fixed('ipv4/tcp_keepalive_probes', c.keepCount),
    fixed('ipv4/tcp_max_syn_backlog', c.maxSynBacklog),
    fixed('ipv4/tcp_max_tw_buckets', c.maxTimeWait),
    fixed('ipv4/tcp_tw_reuse', c.timeWaitReuse),
    fixed('ipv4/tcp_abort_on_overflow', flag(c.abortOnOverflow)),
    fixed('ipv4/tcp_slow_start_after_idle', flag(c.slowStartAfterIdle)),
    fixed('ipv4/tcp_mtu_probing', c.mtuProbing),
    fixed('ipv4/tcp_notsent_lowat', 4294967295),
    fixed('ipv4/tcp_available_congestion_control', 'reno cubic bbr'),
    fixed('ipv4/tcp_allowed_congestion_control', 'reno cubic'),
    {
      path: 'ipv4/tcp_congestion_control',
      get: () => s.congestion,
      set: (text) => {
        if (!['reno', 'cubic', 'bbr'].includes(text)) return -2;
        s.congestion = text;
        return 0;
      },
    },
  ];
}

/** Knobs of one interface, and of `all` and `default`. */
function confSysctls(internet: Internet, name: string): Sysctl[] {
  const found = () =>
    internet.stack.network.interfaceList().filter((iface) => name === 'all' || iface.name === name);
  const forwarding = (family: string): Sysctl =>
    number(
      `${family}/conf/${name}/forwarding`,
      0,
      1,
      () => (found().some((iface) => iface.forwarding) ? 1 : 0),
      (value) => {
        for (const iface of found()) iface.forwarding = value === 1;
      },
    );
  const fixedNames: readonly (readonly [string, number])[] = [
    ['ipv4/rp_filter', 0],
    ['ipv4/accept_redirects', 0],
    ['ipv4/send_redirects', 0],
    ['ipv4/accept_source_route', 0],
    ['ipv4/arp_ignore', 0],
    ['ipv4/arp_announce', 0],
    ['ipv4/proxy_arp', 0],
    ['ipv4/log_martians', 0],
    ['ipv4/route_localnet', 0],
    ['ipv6/disable_ipv6', 0],
    ['ipv6/accept_ra', name === 'lo' ? 0 : 1],
    ['ipv6/accept_dad', name === 'lo' ? -1 : 1],
    ['ipv6/autoconf', 1],
    ['ipv6/use_tempaddr', 0],
    ['ipv6/hop_limit', internet.settings.hopLimit],
    ['ipv6/mtu', found()[0]?.mtu ?? 1280],
  ];
  return [
    forwarding('ipv4'),
    forwarding('ipv6'),
    ...fixedNames.map(([path, value]) => {
      const [family, leaf] = path.split('/') as [string, string];
      return fixed(`${family}/conf/${name}/${leaf}`, value);
    }),
  ];
}

export function netSysctls(internet: Internet): Sysctl[] {
  const names = ['all', 'default', ...internet.stack.network.interfaceList().map((iface) => iface.name)];
  return [
    ...coreSysctls(internet),
    ...ipSysctls(internet),
    ...tcpSysctls(internet),
    ...names.flatMap((name) => confSysctls(internet, name)),
    fixed('unix/max_dgram_qlen', 512),
    { path: 'netfilter/nf_conntrack_count', get: () => String(conntrackCount(internet)) },
    fixed('netfilter/nf_conntrack_max', 65536),
  ];
}
