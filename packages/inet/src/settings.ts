// What /proc/sys/net sets for all sockets of a namespace (tcp(7), udp(7), ip(7), socket(7)).
import type { TcpConfig } from '@sandbox-kernel/netstack';

export class InternetSettings {
  /** net.core.{r,w}mem_{default,max}. */
  receiveDefault: number;
  receiveMost: number;
  sendDefault: number;
  sendMost: number;
  /** net.core.somaxconn. */
  somaxconn: number;
  /** net.ipv4.ip_default_ttl, net.ipv6.conf.default.hop_limit. */
  ttl: number;
  hopLimit: number;
  /** net.ipv4.ip_unprivileged_port_start. */
  unprivilegedPort: number;
  /** net.ipv4.ip_nonlocal_bind. */
  nonlocalBind: boolean;
  /** net.ipv6.bindv6only. */
  v6Only: boolean;
  /** net.ipv4.ping_group_range. */
  pingGroupLow: number;
  pingGroupHigh: number;
  /** net.ipv4.tcp_congestion_control. */
  congestion: string;

  constructor(tcp: TcpConfig) {
    this.receiveDefault = 212992;
    this.receiveMost = 212992;
    this.sendDefault = 212992;
    this.sendMost = 212992;
    this.somaxconn = tcp.maxBacklog;
    this.ttl = 64;
    this.hopLimit = 64;
    this.unprivilegedPort = 1024;
    this.nonlocalBind = false;
    this.v6Only = false;
    this.pingGroupLow = 0;
    this.pingGroupHigh = 2147483647;
    this.congestion = tcp.congestion;
  }
}
