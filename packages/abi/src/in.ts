// IPv4 and IPv6 as seen by sockets (ip(7), ipv6(7)): protocols, options, address constants.
import { array, bytes, i32, struct, u16, u32 } from './layout.js';

// protocols
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_EGP = 8;
export const IPPROTO_PUP = 12;
export const IPPROTO_UDP = 17;
export const IPPROTO_IDP = 22;
export const IPPROTO_TP = 29;
export const IPPROTO_DCCP = 33;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_RSVP = 46;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_MTP = 92;
export const IPPROTO_BEETPH = 94;
export const IPPROTO_ENCAP = 98;
export const IPPROTO_PIM = 103;
export const IPPROTO_COMP = 108;
export const IPPROTO_L2TP = 115;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;
export const IPPROTO_MPLS = 137;
export const IPPROTO_ETHERNET = 143;
export const IPPROTO_RAW = 255;
export const IPPROTO_MPTCP = 0x106;
export const IPPROTO_MAX = 263;
export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;
export const IPPROTO_MH = 135;

// IP options
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_OPTIONS = 4;
export const IP_ROUTER_ALERT = 5;
export const IP_RECVOPTS = 6;
export const IP_RETOPTS = 7;
export const IP_PKTINFO = 8;
export const IP_PKTOPTIONS = 9;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_RECVTOS = 13;
export const IP_MTU = 14;
export const IP_FREEBIND = 15;
export const IP_IPSEC_POLICY = 16;
export const IP_XFRM_POLICY = 17;
export const IP_PASSSEC = 18;
export const IP_TRANSPARENT = 19;
export const IP_RECVRETOPTS = IP_RETOPTS;
export const IP_ORIGDSTADDR = 20;
export const IP_RECVORIGDSTADDR = IP_ORIGDSTADDR;
export const IP_MINTTL = 21;
export const IP_NODEFRAG = 22;
export const IP_CHECKSUM = 23;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IP_RECVFRAGSIZE = 25;
export const IP_RECVERR_RFC4884 = 26;
export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_PROBE = 3;
export const IP_PMTUDISC_INTERFACE = 4;
export const IP_PMTUDISC_OMIT = 5;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_ADD_MEMBERSHIP = 35;
export const IP_DROP_MEMBERSHIP = 36;
export const IP_UNBLOCK_SOURCE = 37;
export const IP_BLOCK_SOURCE = 38;
export const IP_ADD_SOURCE_MEMBERSHIP = 39;
export const IP_DROP_SOURCE_MEMBERSHIP = 40;
export const IP_MSFILTER = 41;
export const MCAST_JOIN_GROUP = 42;
export const MCAST_BLOCK_SOURCE = 43;
export const MCAST_UNBLOCK_SOURCE = 44;
export const MCAST_LEAVE_GROUP = 45;
export const MCAST_JOIN_SOURCE_GROUP = 46;
export const MCAST_LEAVE_SOURCE_GROUP = 47;
export const MCAST_MSFILTER = 48;
export const IP_MULTICAST_ALL = 49;
export const IP_UNICAST_IF = 50;
export const IP_LOCAL_PORT_RANGE = 51;
export const IP_PROTOCOL = 52;
export const MCAST_EXCLUDE = 0;
export const MCAST_INCLUDE = 1;
export const IP_DEFAULT_MULTICAST_TTL = 1;
export const IP_DEFAULT_MULTICAST_LOOP = 1;

// address classes
export const IN_CLASSA_NET = 0xff000000;
export const IN_CLASSA_NSHIFT = 24;
export const IN_CLASSA_HOST = 0xffffff;
export const IN_CLASSA_MAX = 128;
export const IN_CLASSB_NET = 0xffff0000;
export const IN_CLASSB_NSHIFT = 16;
export const IN_CLASSB_HOST = 0xffff;
export const IN_CLASSB_MAX = 65536;
export const IN_CLASSC_NET = 0xffffff00;
export const IN_CLASSC_NSHIFT = 8;
export const IN_CLASSC_HOST = 255;
export const INADDR_ANY = 0;
export const INADDR_BROADCAST = 0xffffffff;
export const INADDR_NONE = 0xffffffff;
export const INADDR_DUMMY = 0xc0000008;
export const IN_LOOPBACKNET = 127;
export const INADDR_LOOPBACK = 0x7f000001;
export const INADDR_UNSPEC_GROUP = 0xe0000000;
export const INADDR_ALLHOSTS_GROUP = 0xe0000001;
export const INADDR_ALLRTRS_GROUP = 0xe0000002;
export const INADDR_ALLSNOOPERS_GROUP = 0xe000006a;
export const INADDR_MAX_LOCAL_GROUP = 0xe00000ff;

// IPv6 options
export const IPV6_FL_A_GET = 0;
export const IPV6_FL_A_PUT = 1;
export const IPV6_FL_A_RENEW = 2;
export const IPV6_FL_F_CREATE = 1;
export const IPV6_FL_F_EXCL = 2;
export const IPV6_FL_F_REFLECT = 4;
export const IPV6_FL_F_REMOTE = 8;
export const IPV6_FL_S_NONE = 0;
export const IPV6_FL_S_EXCL = 1;
export const IPV6_FL_S_PROCESS = 2;
export const IPV6_FL_S_USER = 3;
export const IPV6_FL_S_ANY = 255;
export const IPV6_FLOWINFO_FLOWLABEL = 0x000fffff;
export const IPV6_FLOWINFO_PRIORITY = 0x0ff00000;
export const IPV6_PRIORITY_UNCHARACTERIZED = 0x0000;
export const IPV6_PRIORITY_FILLER = 0x0100;
export const IPV6_PRIORITY_UNATTENDED = 0x0200;
export const IPV6_PRIORITY_RESERVED1 = 0x0300;
export const IPV6_PRIORITY_BULK = 0x0400;
export const IPV6_PRIORITY_RESERVED2 = 0x0500;
export const IPV6_PRIORITY_INTERACTIVE = 0x0600;
export const IPV6_PRIORITY_CONTROL = 0x0700;
export const IPV6_PRIORITY_8 = 0x0800;
export const IPV6_PRIORITY_9 = 0x0900;
export const IPV6_PRIORITY_10 = 0x0a00;
export const IPV6_PRIORITY_11 = 0x0b00;
export const IPV6_PRIORITY_12 = 0x0c00;
export const IPV6_PRIORITY_13 = 0x0d00;
export const IPV6_PRIORITY_14 = 0x0e00;
export const IPV6_PRIORITY_15 = 0x0f00;
export const IPV6_TLV_PAD1 = 0;
export const IPV6_TLV_PADN = 1;
export const IPV6_TLV_ROUTERALERT = 5;
export const IPV6_TLV_CALIPSO = 7;
export const IPV6_TLV_IOAM = 49;
export const IPV6_TLV_JUMBO = 194;
export const IPV6_TLV_HAO = 201;
export const IPV6_ADDRFORM = 1;
export const IPV6_2292PKTINFO = 2;
export const IPV6_2292HOPOPTS = 3;
export const IPV6_2292DSTOPTS = 4;
export const IPV6_2292RTHDR = 5;
export const IPV6_2292PKTOPTIONS = 6;
export const IPV6_CHECKSUM = 7;
export const IPV6_2292HOPLIMIT = 8;
export const IPV6_NEXTHOP = 9;
export const IPV6_AUTHHDR = 10;
export const IPV6_FLOWINFO = 11;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_ADD_MEMBERSHIP = 20;
export const IPV6_DROP_MEMBERSHIP = 21;
export const IPV6_ROUTER_ALERT = 22;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_MTU = 24;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_JOIN_ANYCAST = 27;
export const IPV6_LEAVE_ANYCAST = 28;
export const IPV6_MULTICAST_ALL = 29;
export const IPV6_ROUTER_ALERT_ISOLATE = 30;
export const IPV6_RECVERR_RFC4884 = 31;
export const IPV6_PMTUDISC_DONT = 0;
export const IPV6_PMTUDISC_WANT = 1;
export const IPV6_PMTUDISC_DO = 2;
export const IPV6_PMTUDISC_PROBE = 3;
export const IPV6_PMTUDISC_INTERFACE = 4;
export const IPV6_PMTUDISC_OMIT = 5;
export const IPV6_FLOWLABEL_MGR = 32;
export const IPV6_FLOWINFO_SEND = 33;
export const IPV6_IPSEC_POLICY = 34;
export const IPV6_XFRM_POLICY = 35;
export const IPV6_HDRINCL = 36;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_RECVHOPOPTS = 53;
export const IPV6_HOPOPTS = 54;
export const IPV6_RTHDRDSTOPTS = 55;
export const IPV6_RECVRTHDR = 56;
export const IPV6_RTHDR = 57;
export const IPV6_RECVDSTOPTS = 58;
export const IPV6_DSTOPTS = 59;
export const IPV6_RECVPATHMTU = 60;
export const IPV6_PATHMTU = 61;
export const IPV6_DONTFRAG = 62;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;
export const IPV6_AUTOFLOWLABEL = 70;
export const IPV6_ADDR_PREFERENCES = 72;
export const IPV6_PREFER_SRC_TMP = 0x0001;
export const IPV6_PREFER_SRC_PUBLIC = 0x0002;
export const IPV6_PREFER_SRC_PUBTMP_DEFAULT = 0x0100;
export const IPV6_PREFER_SRC_COA = 0x0004;
export const IPV6_PREFER_SRC_HOME = 0x0400;
export const IPV6_PREFER_SRC_CGA = 0x0008;
export const IPV6_PREFER_SRC_NONCGA = 0x0800;
export const IPV6_MINHOPCOUNT = 73;
export const IPV6_ORIGDSTADDR = 74;
export const IPV6_RECVORIGDSTADDR = IPV6_ORIGDSTADDR;
export const IPV6_TRANSPARENT = 75;
export const IPV6_UNICAST_IF = 76;
export const IPV6_RECVFRAGSIZE = 77;
export const IPV6_FREEBIND = 78;
export const IPV6_MIN_MTU = 1280;
export const IPV6_SRCRT_STRICT = 0x01;
export const IPV6_SRCRT_TYPE_0 = 0;
export const IPV6_SRCRT_TYPE_2 = 2;
export const IPV6_SRCRT_TYPE_3 = 3;
export const IPV6_SRCRT_TYPE_4 = 4;
export const IPV6_OPT_ROUTERALERT_MLD = 0x0000;

// struct sockaddr_in
export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN_SIN_FAMILY = 0;
export const SOCKADDR_IN_SIN_PORT = 2;
export const SOCKADDR_IN_SIN_ADDR_S_ADDR = 4;
export const SOCKADDR_IN_LAYOUT = /* @__PURE__ */ struct('struct sockaddr_in', SOCKADDR_IN_SIZE, {
  sin_family: u16(SOCKADDR_IN_SIN_FAMILY),
  sin_port: u16(SOCKADDR_IN_SIN_PORT),
  'sin_addr.s_addr': u32(SOCKADDR_IN_SIN_ADDR_S_ADDR),
});

// struct sockaddr_in6
export const SOCKADDR_IN6_SIZE = 28;
export const SOCKADDR_IN6_SIN6_FAMILY = 0;
export const SOCKADDR_IN6_SIN6_PORT = 2;
export const SOCKADDR_IN6_SIN6_FLOWINFO = 4;
export const SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR8 = 8;
export const SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR16 = 8;
export const SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR32 = 8;
export const SOCKADDR_IN6_SIN6_SCOPE_ID = 24;
export const SOCKADDR_IN6_LAYOUT = /* @__PURE__ */ struct('struct sockaddr_in6', SOCKADDR_IN6_SIZE, {
  sin6_family: u16(SOCKADDR_IN6_SIN6_FAMILY),
  sin6_port: u16(SOCKADDR_IN6_SIN6_PORT),
  sin6_flowinfo: u32(SOCKADDR_IN6_SIN6_FLOWINFO),
  'sin6_addr.in6_u.u6_addr8': bytes(SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR8, 16),
  'sin6_addr.in6_u.u6_addr16': array('u16', SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR16, 8),
  'sin6_addr.in6_u.u6_addr32': array('u32', SOCKADDR_IN6_SIN6_ADDR_IN6_U_U6_ADDR32, 4),
  sin6_scope_id: u32(SOCKADDR_IN6_SIN6_SCOPE_ID),
});

// struct ip_mreqn
export const IP_MREQN_SIZE = 12;
export const IP_MREQN_IMR_MULTIADDR_S_ADDR = 0;
export const IP_MREQN_IMR_ADDRESS_S_ADDR = 4;
export const IP_MREQN_IMR_IFINDEX = 8;
export const IP_MREQN_LAYOUT = /* @__PURE__ */ struct('struct ip_mreqn', IP_MREQN_SIZE, {
  'imr_multiaddr.s_addr': u32(IP_MREQN_IMR_MULTIADDR_S_ADDR),
  'imr_address.s_addr': u32(IP_MREQN_IMR_ADDRESS_S_ADDR),
  imr_ifindex: i32(IP_MREQN_IMR_IFINDEX),
});

// struct ip_mreq_source
export const IP_MREQ_SOURCE_SIZE = 12;
export const IP_MREQ_SOURCE_IMR_MULTIADDR = 0;
export const IP_MREQ_SOURCE_IMR_INTERFACE = 4;
export const IP_MREQ_SOURCE_IMR_SOURCEADDR = 8;
export const IP_MREQ_SOURCE_LAYOUT = /* @__PURE__ */ struct('struct ip_mreq_source', IP_MREQ_SOURCE_SIZE, {
  imr_multiaddr: u32(IP_MREQ_SOURCE_IMR_MULTIADDR),
  imr_interface: u32(IP_MREQ_SOURCE_IMR_INTERFACE),
  imr_sourceaddr: u32(IP_MREQ_SOURCE_IMR_SOURCEADDR),
});

// struct ipv6_mreq
export const IPV6_MREQ_SIZE = 20;
export const IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR8 = 0;
export const IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR16 = 0;
export const IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR32 = 0;
export const IPV6_MREQ_IPV6MR_IFINDEX = 16;
export const IPV6_MREQ_LAYOUT = /* @__PURE__ */ struct('struct ipv6_mreq', IPV6_MREQ_SIZE, {
  'ipv6mr_multiaddr.in6_u.u6_addr8': bytes(IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR8, 16),
  'ipv6mr_multiaddr.in6_u.u6_addr16': array('u16', IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR16, 8),
  'ipv6mr_multiaddr.in6_u.u6_addr32': array('u32', IPV6_MREQ_IPV6MR_MULTIADDR_IN6_U_U6_ADDR32, 4),
  ipv6mr_ifindex: i32(IPV6_MREQ_IPV6MR_IFINDEX),
});

// struct in_pktinfo
export const IN_PKTINFO_SIZE = 12;
export const IN_PKTINFO_IPI_IFINDEX = 0;
export const IN_PKTINFO_IPI_SPEC_DST_S_ADDR = 4;
export const IN_PKTINFO_IPI_ADDR_S_ADDR = 8;
export const IN_PKTINFO_LAYOUT = /* @__PURE__ */ struct('struct in_pktinfo', IN_PKTINFO_SIZE, {
  ipi_ifindex: i32(IN_PKTINFO_IPI_IFINDEX),
  'ipi_spec_dst.s_addr': u32(IN_PKTINFO_IPI_SPEC_DST_S_ADDR),
  'ipi_addr.s_addr': u32(IN_PKTINFO_IPI_ADDR_S_ADDR),
});

// struct in6_pktinfo
export const IN6_PKTINFO_SIZE = 20;
export const IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR8 = 0;
export const IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR16 = 0;
export const IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR32 = 0;
export const IN6_PKTINFO_IPI6_IFINDEX = 16;
export const IN6_PKTINFO_LAYOUT = /* @__PURE__ */ struct('struct in6_pktinfo', IN6_PKTINFO_SIZE, {
  'ipi6_addr.in6_u.u6_addr8': bytes(IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR8, 16),
  'ipi6_addr.in6_u.u6_addr16': array('u16', IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR16, 8),
  'ipi6_addr.in6_u.u6_addr32': array('u32', IN6_PKTINFO_IPI6_ADDR_IN6_U_U6_ADDR32, 4),
  ipi6_ifindex: i32(IN6_PKTINFO_IPI6_IFINDEX),
});
