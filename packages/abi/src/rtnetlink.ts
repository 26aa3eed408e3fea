// rtnetlink(7): messages, attributes and structs for links, addresses, routes, rules and neighbours.
import { i32, struct, u8, u16, u32, u64 } from './layout.js';

// rtnetlink messages
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_NEWQDISC = 36;
export const RTM_DELQDISC = 37;
export const RTM_GETQDISC = 38;
export const RTM_NEWTCLASS = 40;
export const RTM_DELTCLASS = 41;
export const RTM_GETTCLASS = 42;
export const RTM_NEWTFILTER = 44;
export const RTM_DELTFILTER = 45;
export const RTM_GETTFILTER = 46;
export const RTM_NEWACTION = 48;
export const RTM_DELACTION = 49;
export const RTM_GETACTION = 50;
export const RTM_NEWPREFIX = 52;
export const RTM_GETMULTICAST = 58;
export const RTM_GETANYCAST = 62;
export const RTM_NEWNEIGHTBL = 64;
export const RTM_GETNEIGHTBL = 66;
export const RTM_SETNEIGHTBL = 67;
export const RTM_NEWNDUSEROPT = 68;
export const RTM_NEWADDRLABEL = 72;
export const RTM_DELADDRLABEL = 73;
export const RTM_GETADDRLABEL = 74;
export const RTM_GETDCB = 78;
export const RTM_SETDCB = 79;
export const RTM_NEWNETCONF = 80;
export const RTM_DELNETCONF = 81;
export const RTM_GETNETCONF = 82;
export const RTM_NEWMDB = 84;
export const RTM_DELMDB = 85;
export const RTM_GETMDB = 86;
export const RTM_NEWNSID = 88;
export const RTM_DELNSID = 89;
export const RTM_GETNSID = 90;
export const RTM_NEWSTATS = 92;
export const RTM_GETSTATS = 94;
export const RTM_SETSTATS = 95;
export const RTM_NEWCACHEREPORT = 96;
export const RTM_NEWCHAIN = 100;
export const RTM_DELCHAIN = 101;
export const RTM_GETCHAIN = 102;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;
export const RTM_NEWLINKPROP = 108;
export const RTM_DELLINKPROP = 109;
export const RTM_GETLINKPROP = 110;
export const RTM_NEWVLAN = 112;
export const RTM_DELVLAN = 113;
export const RTM_GETVLAN = 114;
export const RTM_NEWNEXTHOPBUCKET = 116;
export const RTM_DELNEXTHOPBUCKET = 117;
export const RTM_GETNEXTHOPBUCKET = 118;
export const RTM_NEWTUNNEL = 120;
export const RTM_DELTUNNEL = 121;
export const RTM_GETTUNNEL = 122;
export const RTM_F_NOTIFY = 0x100;
export const RTM_F_CLONED = 0x200;
export const RTM_F_EQUALIZE = 0x400;
export const RTM_F_PREFIX = 0x800;
export const RTM_F_LOOKUP_TABLE = 0x1000;
export const RTM_F_FIB_MATCH = 0x2000;
export const RTM_F_OFFLOAD = 0x4000;
export const RTM_F_TRAP = 0x8000;
export const RTM_F_OFFLOAD_FAILED = 0x20000000;

// routes: types
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;
export const RTN_NAT = 10;
export const RTN_XRESOLVE = 11;

// routes: origin
export const RTPROT_UNSPEC = 0;
export const RTPROT_REDIRECT = 1;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;
export const RTPROT_RA = 9;
export const RTPROT_DHCP = 16;

// routes: scopes
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

// routes: flags and tables
export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_COMPAT = 252;
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RTNH_F_DEAD = 1;
export const RTNH_F_PERVASIVE = 2;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_OFFLOAD = 8;
export const RTNH_F_LINKDOWN = 16;
export const RTNH_F_UNRESOLVED = 32;
export const RTNH_F_TRAP = 64;

// route attributes
export const RTA_ALIGNTO = 4;
export const RTA_UNSPEC = 0;
export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_PROTOINFO = 10;
export const RTA_FLOW = 11;
export const RTA_CACHEINFO = 12;
export const RTA_SESSION = 13;
export const RTA_MP_ALGO = 14;
export const RTA_TABLE = 15;
export const RTA_MARK = 16;
export const RTA_MFC_STATS = 17;
export const RTA_VIA = 18;
export const RTA_NEWDST = 19;
export const RTA_PREF = 20;
export const RTA_ENCAP_TYPE = 21;
export const RTA_ENCAP = 22;
export const RTA_EXPIRES = 23;
export const RTA_PAD = 24;
export const RTA_UID = 25;
export const RTA_TTL_PROPAGATE = 26;
export const RTA_IP_PROTO = 27;
export const RTA_SPORT = 28;
export const RTA_DPORT = 29;
export const RTA_NH_ID = 30;

// route metrics
export const RTAX_UNSPEC = 0;
export const RTAX_LOCK = 1;
export const RTAX_MTU = 2;
export const RTAX_WINDOW = 3;
export const RTAX_RTT = 4;
export const RTAX_RTTVAR = 5;
export const RTAX_SSTHRESH = 6;
export const RTAX_CWND = 7;
export const RTAX_ADVMSS = 8;
export const RTAX_REORDERING = 9;
export const RTAX_HOPLIMIT = 10;
export const RTAX_INITCWND = 11;
export const RTAX_FEATURES = 12;
export const RTAX_RTO_MIN = 13;
export const RTAX_INITRWND = 14;
export const RTAX_QUICKACK = 15;
export const RTAX_CC_ALGO = 16;
export const RTAX_FASTOPEN_NO_COOKIE = 17;
export const RTAX_FEATURE_ECN = 1 << 0;
export const RTAX_FEATURE_SACK = 1 << 1;
export const RTAX_FEATURE_TIMESTAMP = 1 << 2;
export const RTAX_FEATURE_ALLFRAG = 1 << 3;
export const RTAX_FEATURE_MASK =
  RTAX_FEATURE_ECN | RTAX_FEATURE_SACK | RTAX_FEATURE_TIMESTAMP | RTAX_FEATURE_ALLFRAG;

// multicast groups
export const RTMGRP_LINK = 1;
export const RTMGRP_NOTIFY = 2;
export const RTMGRP_NEIGH = 4;
export const RTMGRP_TC = 8;
export const RTMGRP_IPV4_IFADDR = 0x10;
export const RTMGRP_IPV4_MROUTE = 0x20;
export const RTMGRP_IPV4_ROUTE = 0x40;
export const RTMGRP_IPV4_RULE = 0x80;
export const RTMGRP_IPV6_IFADDR = 0x100;
export const RTMGRP_IPV6_MROUTE = 0x200;
export const RTMGRP_IPV6_ROUTE = 0x400;
export const RTMGRP_IPV6_IFINFO = 0x800;
export const RTMGRP_DECnet_IFADDR = 0x1000;
export const RTMGRP_DECnet_ROUTE = 0x4000;
export const RTMGRP_IPV6_PREFIX = 0x20000;
export const RTNLGRP_NONE = 0;
export const RTNLGRP_LINK = 1;
export const RTNLGRP_NOTIFY = 2;
export const RTNLGRP_NEIGH = 3;
export const RTNLGRP_TC = 4;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV4_MROUTE = 6;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV4_RULE = 8;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_MROUTE = 10;
export const RTNLGRP_IPV6_ROUTE = 11;
export const RTNLGRP_IPV6_IFINFO = 12;
export const RTNLGRP_DECnet_IFADDR = 13;
export const RTNLGRP_NOP2 = 14;
export const RTNLGRP_DECnet_ROUTE = 15;
export const RTNLGRP_DECnet_RULE = 16;
export const RTNLGRP_NOP4 = 17;
export const RTNLGRP_IPV6_PREFIX = 18;
export const RTNLGRP_IPV6_RULE = 19;
export const RTNLGRP_ND_USEROPT = 20;
export const RTNLGRP_PHONET_IFADDR = 21;
export const RTNLGRP_PHONET_ROUTE = 22;
export const RTNLGRP_DCB = 23;
export const RTNLGRP_IPV4_NETCONF = 24;
export const RTNLGRP_IPV6_NETCONF = 25;
export const RTNLGRP_MDB = 26;
export const RTNLGRP_MPLS_ROUTE = 27;
export const RTNLGRP_NSID = 28;
export const RTNLGRP_MPLS_NETCONF = 29;
export const RTNLGRP_IPV4_MROUTE_R = 30;
export const RTNLGRP_IPV6_MROUTE_R = 31;
export const RTNLGRP_NEXTHOP = 32;
export const RTNLGRP_BRVLAN = 33;
export const RTNLGRP_MCTP_IFADDR = 34;
export const RTNLGRP_TUNNEL = 35;
export const RTNLGRP_STATS = 36;

// filter flags
export const RTEXT_FILTER_VF = 1 << 0;
export const RTEXT_FILTER_BRVLAN = 1 << 1;
export const RTEXT_FILTER_BRVLAN_COMPRESSED = 1 << 2;
export const RTEXT_FILTER_SKIP_STATS = 1 << 3;
export const RTEXT_FILTER_MRP = 1 << 4;
export const RTEXT_FILTER_CFM_CONFIG = 1 << 5;
export const RTEXT_FILTER_CFM_STATUS = 1 << 6;
export const RTEXT_FILTER_MST = 1 << 7;

// link attributes
export const IFLA_UNSPEC = 0;
export const IFLA_ADDRESS = 1;
export const IFLA_BROADCAST = 2;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_QDISC = 6;
export const IFLA_STATS = 7;
export const IFLA_COST = 8;
export const IFLA_PRIORITY = 9;
export const IFLA_MASTER = 10;
export const IFLA_WIRELESS = 11;
export const IFLA_PROTINFO = 12;
export const IFLA_TXQLEN = 13;
export const IFLA_MAP = 14;
export const IFLA_WEIGHT = 15;
export const IFLA_OPERSTATE = 16;
export const IFLA_LINKMODE = 17;
export const IFLA_LINKINFO = 18;
export const IFLA_NET_NS_PID = 19;
export const IFLA_IFALIAS = 20;
export const IFLA_NUM_VF = 21;
export const IFLA_STATS64 = 23;
export const IFLA_AF_SPEC = 26;
export const IFLA_GROUP = 27;
export const IFLA_NET_NS_FD = 28;
export const IFLA_EXT_MASK = 29;
export const IFLA_PROMISCUITY = 30;
export const IFLA_NUM_TX_QUEUES = 31;
export const IFLA_NUM_RX_QUEUES = 32;
export const IFLA_CARRIER = 33;
export const IFLA_PHYS_PORT_ID = 34;
export const IFLA_CARRIER_CHANGES = 35;
export const IFLA_PHYS_SWITCH_ID = 36;
export const IFLA_LINK_NETNSID = 37;
export const IFLA_PHYS_PORT_NAME = 38;
export const IFLA_PROTO_DOWN = 39;
export const IFLA_GSO_MAX_SEGS = 40;
export const IFLA_GSO_MAX_SIZE = 41;
export const IFLA_PAD = 42;
export const IFLA_EVENT = 44;
export const IFLA_NEW_NETNSID = 45;
export const IFLA_IF_NETNSID = 46;
export const IFLA_TARGET_NETNSID = 46;
export const IFLA_CARRIER_UP_COUNT = 47;
export const IFLA_CARRIER_DOWN_COUNT = 48;
export const IFLA_NEW_IFINDEX = 49;
export const IFLA_MIN_MTU = 50;
export const IFLA_MAX_MTU = 51;
export const IFLA_PROP_LIST = 52;
export const IFLA_ALT_IFNAME = 53;
export const IFLA_PERM_ADDRESS = 54;
export const IFLA_PROTO_DOWN_REASON = 55;
export const IFLA_PARENT_DEV_NAME = 56;
export const IFLA_PARENT_DEV_BUS_NAME = 57;
export const IFLA_GRO_MAX_SIZE = 58;
export const IFLA_TSO_MAX_SIZE = 59;
export const IFLA_TSO_MAX_SEGS = 60;
export const IFLA_ALLMULTI = 61;
export const IFLA_PROTO_DOWN_REASON_UNSPEC = 0;
export const IFLA_PROTO_DOWN_REASON_MASK = 1;
export const IFLA_PROTO_DOWN_REASON_VALUE = 2;
export const IFLA_INET_UNSPEC = 0;
export const IFLA_INET_CONF = 1;
export const IFLA_INET6_UNSPEC = 0;
export const IFLA_INET6_FLAGS = 1;
export const IFLA_INET6_CONF = 2;
export const IFLA_INET6_STATS = 3;
export const IFLA_INET6_MCAST = 4;
export const IFLA_INET6_CACHEINFO = 5;
export const IFLA_INET6_ICMP6STATS = 6;
export const IFLA_INET6_TOKEN = 7;
export const IFLA_INET6_ADDR_GEN_MODE = 8;
export const IFLA_INET6_RA_MTU = 9;
export const IFLA_INFO_UNSPEC = 0;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
export const IFLA_INFO_XSTATS = 3;
export const IFLA_INFO_SLAVE_KIND = 4;
export const IFLA_INFO_SLAVE_DATA = 5;
export const IFLA_TUN_UNSPEC = 0;
export const IFLA_TUN_OWNER = 1;
export const IFLA_TUN_GROUP = 2;
export const IFLA_TUN_TYPE = 3;
export const IFLA_TUN_PI = 4;
export const IFLA_TUN_VNET_HDR = 5;
export const IFLA_TUN_PERSIST = 6;
export const IFLA_TUN_MULTI_QUEUE = 7;
export const IFLA_TUN_NUM_QUEUES = 8;
export const IFLA_TUN_NUM_DISABLED_QUEUES = 9;

// veth
export const VETH_INFO_UNSPEC = 0;
export const VETH_INFO_PEER = 1;

// address attributes
export const IFA_UNSPEC = 0;
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
export const IFA_LABEL = 3;
export const IFA_BROADCAST = 4;
export const IFA_ANYCAST = 5;
export const IFA_CACHEINFO = 6;
export const IFA_MULTICAST = 7;
export const IFA_FLAGS = 8;
export const IFA_RT_PRIORITY = 9;
export const IFA_TARGET_NETNSID = 10;
export const IFA_PROTO = 11;
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_TEMPORARY = IFA_F_SECONDARY;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

// neighbour attributes and states
export const NDA_UNSPEC = 0;
export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_CACHEINFO = 3;
export const NDA_PROBES = 4;
export const NDA_VLAN = 5;
export const NDA_PORT = 6;
export const NDA_VNI = 7;
export const NDA_IFINDEX = 8;
export const NDA_MASTER = 9;
export const NDA_LINK_NETNSID = 10;
export const NDA_SRC_VNI = 11;
export const NDA_PROTOCOL = 12;
export const NDA_NH_ID = 13;
export const NDA_FDB_EXT_ATTRS = 14;
export const NDA_FLAGS_EXT = 15;
export const NDA_NDM_STATE_MASK = 16;
export const NDA_NDM_FLAGS_MASK = 17;
export const NTF_USE = 1 << 0;
export const NTF_SELF = 1 << 1;
export const NTF_MASTER = 1 << 2;
export const NTF_PROXY = 1 << 3;
export const NTF_EXT_LEARNED = 1 << 4;
export const NTF_OFFLOADED = 1 << 5;
export const NTF_STICKY = 1 << 6;
export const NTF_ROUTER = 1 << 7;
export const NTF_EXT_MANAGED = 1 << 0;
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export const NUD_NONE = 0x00;

// struct ifinfomsg
export const IFINFOMSG_SIZE = 16;
export const IFINFOMSG_IFI_FAMILY = 0;
export const IFINFOMSG_IFI_PAD = 1;
export const IFINFOMSG_IFI_TYPE = 2;
export const IFINFOMSG_IFI_INDEX = 4;
export const IFINFOMSG_IFI_FLAGS = 8;
export const IFINFOMSG_IFI_CHANGE = 12;
export const IFINFOMSG_LAYOUT = /* @__PURE__ */ struct('struct ifinfomsg', IFINFOMSG_SIZE, {
  ifi_family: u8(IFINFOMSG_IFI_FAMILY),
  __ifi_pad: u8(IFINFOMSG_IFI_PAD),
  ifi_type: u16(IFINFOMSG_IFI_TYPE),
  ifi_index: i32(IFINFOMSG_IFI_INDEX),
  ifi_flags: u32(IFINFOMSG_IFI_FLAGS),
  ifi_change: u32(IFINFOMSG_IFI_CHANGE),
});

// struct ifaddrmsg
export const IFADDRMSG_SIZE = 8;
export const IFADDRMSG_IFA_FAMILY = 0;
export const IFADDRMSG_IFA_PREFIXLEN = 1;
export const IFADDRMSG_IFA_FLAGS = 2;
export const IFADDRMSG_IFA_SCOPE = 3;
export const IFADDRMSG_IFA_INDEX = 4;
export const IFADDRMSG_LAYOUT = /* @__PURE__ */ struct('struct ifaddrmsg', IFADDRMSG_SIZE, {
  ifa_family: u8(IFADDRMSG_IFA_FAMILY),
  ifa_prefixlen: u8(IFADDRMSG_IFA_PREFIXLEN),
  ifa_flags: u8(IFADDRMSG_IFA_FLAGS),
  ifa_scope: u8(IFADDRMSG_IFA_SCOPE),
  ifa_index: u32(IFADDRMSG_IFA_INDEX),
});

// struct rtmsg
export const RTMSG_SIZE = 12;
export const RTMSG_RTM_FAMILY = 0;
export const RTMSG_RTM_DST_LEN = 1;
export const RTMSG_RTM_SRC_LEN = 2;
export const RTMSG_RTM_TOS = 3;
export const RTMSG_RTM_TABLE = 4;
export const RTMSG_RTM_PROTOCOL = 5;
export const RTMSG_RTM_SCOPE = 6;
export const RTMSG_RTM_TYPE = 7;
export const RTMSG_RTM_FLAGS = 8;
export const RTMSG_LAYOUT = /* @__PURE__ */ struct('struct rtmsg', RTMSG_SIZE, {
  rtm_family: u8(RTMSG_RTM_FAMILY),
  rtm_dst_len: u8(RTMSG_RTM_DST_LEN),
  rtm_src_len: u8(RTMSG_RTM_SRC_LEN),
  rtm_tos: u8(RTMSG_RTM_TOS),
  rtm_table: u8(RTMSG_RTM_TABLE),
  rtm_protocol: u8(RTMSG_RTM_PROTOCOL),
  rtm_scope: u8(RTMSG_RTM_SCOPE),
  rtm_type: u8(RTMSG_RTM_TYPE),
  rtm_flags: u32(RTMSG_RTM_FLAGS),
});

// struct rtnexthop
export const RTNEXTHOP_SIZE = 8;
export const RTNEXTHOP_RTNH_LEN = 0;
export const RTNEXTHOP_RTNH_FLAGS = 2;
export const RTNEXTHOP_RTNH_HOPS = 3;
export const RTNEXTHOP_RTNH_IFINDEX = 4;
export const RTNEXTHOP_LAYOUT = /* @__PURE__ */ struct('struct rtnexthop', RTNEXTHOP_SIZE, {
  rtnh_len: u16(RTNEXTHOP_RTNH_LEN),
  rtnh_flags: u8(RTNEXTHOP_RTNH_FLAGS),
  rtnh_hops: u8(RTNEXTHOP_RTNH_HOPS),
  rtnh_ifindex: i32(RTNEXTHOP_RTNH_IFINDEX),
});

// struct rtgenmsg
export const RTGENMSG_SIZE = 1;
export const RTGENMSG_RTGEN_FAMILY = 0;
export const RTGENMSG_LAYOUT = /* @__PURE__ */ struct('struct rtgenmsg', RTGENMSG_SIZE, {
  rtgen_family: u8(RTGENMSG_RTGEN_FAMILY),
});

// struct ndmsg
export const NDMSG_SIZE = 12;
export const NDMSG_NDM_FAMILY = 0;
export const NDMSG_NDM_PAD1 = 1;
export const NDMSG_NDM_PAD2 = 2;
export const NDMSG_NDM_IFINDEX = 4;
export const NDMSG_NDM_STATE = 8;
export const NDMSG_NDM_FLAGS = 10;
export const NDMSG_NDM_TYPE = 11;
export const NDMSG_LAYOUT = /* @__PURE__ */ struct('struct ndmsg', NDMSG_SIZE, {
  ndm_family: u8(NDMSG_NDM_FAMILY),
  ndm_pad1: u8(NDMSG_NDM_PAD1),
  ndm_pad2: u16(NDMSG_NDM_PAD2),
  ndm_ifindex: i32(NDMSG_NDM_IFINDEX),
  ndm_state: u16(NDMSG_NDM_STATE),
  ndm_flags: u8(NDMSG_NDM_FLAGS),
  ndm_type: u8(NDMSG_NDM_TYPE),
});

// struct rtnl_link_stats64
export const RTNL_LINK_STATS64_SIZE = 200;
export const RTNL_LINK_STATS64_RX_PACKETS = 0;
export const RTNL_LINK_STATS64_TX_PACKETS = 8;
export const RTNL_LINK_STATS64_RX_BYTES = 16;
export const RTNL_LINK_STATS64_TX_BYTES = 24;
export const RTNL_LINK_STATS64_RX_ERRORS = 32;
export const RTNL_LINK_STATS64_TX_ERRORS = 40;
export const RTNL_LINK_STATS64_RX_DROPPED = 48;
export const RTNL_LINK_STATS64_TX_DROPPED = 56;
export const RTNL_LINK_STATS64_MULTICAST = 64;
export const RTNL_LINK_STATS64_COLLISIONS = 72;
export const RTNL_LINK_STATS64_RX_LENGTH_ERRORS = 80;
export const RTNL_LINK_STATS64_RX_OVER_ERRORS = 88;
export const RTNL_LINK_STATS64_RX_CRC_ERRORS = 96;
export const RTNL_LINK_STATS64_RX_FRAME_ERRORS = 104;
export const RTNL_LINK_STATS64_RX_FIFO_ERRORS = 112;
export const RTNL_LINK_STATS64_RX_MISSED_ERRORS = 120;
export const RTNL_LINK_STATS64_TX_ABORTED_ERRORS = 128;
export const RTNL_LINK_STATS64_TX_CARRIER_ERRORS = 136;
export const RTNL_LINK_STATS64_TX_FIFO_ERRORS = 144;
export const RTNL_LINK_STATS64_TX_HEARTBEAT_ERRORS = 152;
export const RTNL_LINK_STATS64_TX_WINDOW_ERRORS = 160;
export const RTNL_LINK_STATS64_RX_COMPRESSED = 168;
export const RTNL_LINK_STATS64_TX_COMPRESSED = 176;
export const RTNL_LINK_STATS64_RX_NOHANDLER = 184;
export const RTNL_LINK_STATS64_RX_OTHERHOST_DROPPED = 192;
export const RTNL_LINK_STATS64_LAYOUT = /* @__PURE__ */ struct(
  'struct rtnl_link_stats64',
  RTNL_LINK_STATS64_SIZE,
  {
    rx_packets: u64(RTNL_LINK_STATS64_RX_PACKETS),
    tx_packets: u64(RTNL_LINK_STATS64_TX_PACKETS),
    rx_bytes: u64(RTNL_LINK_STATS64_RX_BYTES),
    tx_bytes: u64(RTNL_LINK_STATS64_TX_BYTES),
    rx_errors: u64(RTNL_LINK_STATS64_RX_ERRORS),
    tx_errors: u64(RTNL_LINK_STATS64_TX_ERRORS),
    rx_dropped: u64(RTNL_LINK_STATS64_RX_DROPPED),
    tx_dropped: u64(RTNL_LINK_STATS64_TX_DROPPED),
    multicast: u64(RTNL_LINK_STATS64_MULTICAST),
    collisions: u64(RTNL_LINK_STATS64_COLLISIONS),
    rx_length_errors: u64(RTNL_LINK_STATS64_RX_LENGTH_ERRORS),
    rx_over_errors: u64(RTNL_LINK_STATS64_RX_OVER_ERRORS),
    rx_crc_errors: u64(RTNL_LINK_STATS64_RX_CRC_ERRORS),
    rx_frame_errors: u64(RTNL_LINK_STATS64_RX_FRAME_ERRORS),
    rx_fifo_errors: u64(RTNL_LINK_STATS64_RX_FIFO_ERRORS),
    rx_missed_errors: u64(RTNL_LINK_STATS64_RX_MISSED_ERRORS),
    tx_aborted_errors: u64(RTNL_LINK_STATS64_TX_ABORTED_ERRORS),
    tx_carrier_errors: u64(RTNL_LINK_STATS64_TX_CARRIER_ERRORS),
    tx_fifo_errors: u64(RTNL_LINK_STATS64_TX_FIFO_ERRORS),
    tx_heartbeat_errors: u64(RTNL_LINK_STATS64_TX_HEARTBEAT_ERRORS),
    tx_window_errors: u64(RTNL_LINK_STATS64_TX_WINDOW_ERRORS),
    rx_compressed: u64(RTNL_LINK_STATS64_RX_COMPRESSED),
    tx_compressed: u64(RTNL_LINK_STATS64_TX_COMPRESSED),
    rx_nohandler: u64(RTNL_LINK_STATS64_RX_NOHANDLER),
    rx_otherhost_dropped: u64(RTNL_LINK_STATS64_RX_OTHERHOST_DROPPED),
  },
);

// struct ifa_cacheinfo
export const IFA_CACHEINFO_SIZE = 16;
export const IFA_CACHEINFO_IFA_PREFERED = 0;
export const IFA_CACHEINFO_IFA_VALID = 4;
export const IFA_CACHEINFO_CSTAMP = 8;
export const IFA_CACHEINFO_TSTAMP = 12;
export const IFA_CACHEINFO_LAYOUT = /* @__PURE__ */ struct('struct ifa_cacheinfo', IFA_CACHEINFO_SIZE, {
  ifa_prefered: u32(IFA_CACHEINFO_IFA_PREFERED),
  ifa_valid: u32(IFA_CACHEINFO_IFA_VALID),
  cstamp: u32(IFA_CACHEINFO_CSTAMP),
  tstamp: u32(IFA_CACHEINFO_TSTAMP),
});
