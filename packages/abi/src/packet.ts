// packet(7) sockets: addresses, options, and Ethernet types (if_ether.h).
import { bytes, i32, struct, u8, u16, u32, u64 } from './layout.js';

// packet types
export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;
export const PACKET_LOOPBACK = 5;
export const PACKET_USER = 6;
export const PACKET_KERNEL = 7;
export const PACKET_FASTROUTE = 6;

// options
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_DROP_MEMBERSHIP = 2;
export const PACKET_RECV_OUTPUT = 3;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_COPY_THRESH = 7;
export const PACKET_AUXDATA = 8;
export const PACKET_ORIGDEV = 9;
export const PACKET_VERSION = 10;
export const PACKET_HDRLEN = 11;
export const PACKET_RESERVE = 12;
export const PACKET_TX_RING = 13;
export const PACKET_LOSS = 14;
export const PACKET_VNET_HDR = 15;
export const PACKET_TX_TIMESTAMP = 16;
export const PACKET_TIMESTAMP = 17;
export const PACKET_FANOUT = 18;
export const PACKET_TX_HAS_OFF = 19;
export const PACKET_QDISC_BYPASS = 20;
export const PACKET_ROLLOVER_STATS = 21;
export const PACKET_FANOUT_DATA = 22;
export const PACKET_IGNORE_OUTGOING = 23;
export const PACKET_FANOUT_HASH = 0;
export const PACKET_FANOUT_LB = 1;
export const PACKET_FANOUT_CPU = 2;
export const PACKET_FANOUT_ROLLOVER = 3;
export const PACKET_FANOUT_RND = 4;
export const PACKET_FANOUT_QM = 5;
export const PACKET_FANOUT_CBPF = 6;
export const PACKET_FANOUT_EBPF = 7;
export const PACKET_FANOUT_FLAG_ROLLOVER = 0x1000;
export const PACKET_FANOUT_FLAG_UNIQUEID = 0x2000;
export const PACKET_FANOUT_FLAG_DEFRAG = 0x8000;
export const PACKET_MR_MULTICAST = 0;
export const PACKET_MR_PROMISC = 1;
export const PACKET_MR_ALLMULTI = 2;
export const PACKET_MR_UNICAST = 3;

// rings
export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1 << 0;
export const TP_STATUS_COPY = 1 << 1;
export const TP_STATUS_LOSING = 1 << 2;
export const TP_STATUS_CSUMNOTREADY = 1 << 3;
export const TP_STATUS_VLAN_VALID = 1 << 4;
export const TP_STATUS_BLK_TMO = 1 << 5;
export const TP_STATUS_VLAN_TPID_VALID = 1 << 6;
export const TP_STATUS_CSUM_VALID = 1 << 7;
export const TP_STATUS_AVAILABLE = 0;
export const TP_STATUS_SEND_REQUEST = 1 << 0;
export const TP_STATUS_SENDING = 1 << 1;
export const TP_STATUS_WRONG_FORMAT = 1 << 2;
export const TP_STATUS_TS_SOFTWARE = 1 << 29;
export const TP_STATUS_TS_SYS_HARDWARE = 1 << 30;
export const TP_STATUS_TS_RAW_HARDWARE = 0x80000000;
export const TPACKET_ALIGNMENT = 16;
export const TPACKET_V1 = 0;
export const TPACKET_V2 = 1;
export const TPACKET_V3 = 2;

// lengths
export const ETH_ALEN = 6;
export const ETH_HLEN = 14;
export const ETH_ZLEN = 60;
export const ETH_DATA_LEN = 1500;
export const ETH_FRAME_LEN = 1514;
export const ETH_FCS_LEN = 4;
export const ETH_MIN_MTU = 68;
export const ETH_MAX_MTU = 0xffff;

// Ethernet types
export const ETH_P_LOOP = 0x0060;
export const ETH_P_PUP = 0x0200;
export const ETH_P_PUPAT = 0x0201;
export const ETH_P_TSN = 0x22f0;
export const ETH_P_ERSPAN2 = 0x22eb;
export const ETH_P_IP = 0x0800;
export const ETH_P_X25 = 0x0805;
export const ETH_P_ARP = 0x0806;
export const ETH_P_BPQ = 0x08ff;
export const ETH_P_IEEEPUP = 0x0a00;
export const ETH_P_IEEEPUPAT = 0x0a01;
export const ETH_P_BATMAN = 0x4305;
export const ETH_P_DEC = 0x6000;
export const ETH_P_DNA_DL = 0x6001;
export const ETH_P_DNA_RC = 0x6002;
export const ETH_P_DNA_RT = 0x6003;
export const ETH_P_LAT = 0x6004;
export const ETH_P_DIAG = 0x6005;
export const ETH_P_CUST = 0x6006;
export const ETH_P_SCA = 0x6007;
export const ETH_P_TEB = 0x6558;
export const ETH_P_RARP = 0x8035;
export const ETH_P_ATALK = 0x809b;
export const ETH_P_AARP = 0x80f3;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_ERSPAN = 0x88be;
export const ETH_P_IPX = 0x8137;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_PAUSE = 0x8808;
export const ETH_P_SLOW = 0x8809;
export const ETH_P_WCCP = 0x883e;
export const ETH_P_MPLS_UC = 0x8847;
export const ETH_P_MPLS_MC = 0x8848;
export const ETH_P_ATMMPOA = 0x884c;
export const ETH_P_PPP_DISC = 0x8863;
export const ETH_P_PPP_SES = 0x8864;
export const ETH_P_LINK_CTL = 0x886c;
export const ETH_P_ATMFATE = 0x8884;
export const ETH_P_PAE = 0x888e;
export const ETH_P_PROFINET = 0x8892;
export const ETH_P_REALTEK = 0x8899;
export const ETH_P_AOE = 0x88a2;
export const ETH_P_ETHERCAT = 0x88a4;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_802_EX1 = 0x88b5;
export const ETH_P_PREAUTH = 0x88c7;
export const ETH_P_TIPC = 0x88ca;
export const ETH_P_LLDP = 0x88cc;
export const ETH_P_MRP = 0x88e3;
export const ETH_P_MACSEC = 0x88e5;
export const ETH_P_8021AH = 0x88e7;
export const ETH_P_MVRP = 0x88f5;
export const ETH_P_1588 = 0x88f7;
export const ETH_P_NCSI = 0x88f8;
export const ETH_P_PRP = 0x88fb;
export const ETH_P_CFM = 0x8902;
export const ETH_P_FCOE = 0x8906;
export const ETH_P_IBOE = 0x8915;
export const ETH_P_TDLS = 0x890d;
export const ETH_P_FIP = 0x8914;
export const ETH_P_80221 = 0x8917;
export const ETH_P_HSR = 0x892f;
export const ETH_P_NSH = 0x894f;
export const ETH_P_LOOPBACK = 0x9000;
export const ETH_P_QINQ1 = 0x9100;
export const ETH_P_QINQ2 = 0x9200;
export const ETH_P_QINQ3 = 0x9300;
export const ETH_P_EDSA = 0xdada;
export const ETH_P_DSA_8021Q = 0xdadb;
export const ETH_P_DSA_A5PSW = 0xe001;
export const ETH_P_IFE = 0xed3e;
export const ETH_P_AF_IUCV = 0xfbfb;
export const ETH_P_802_3_MIN = 0x0600;
export const ETH_P_802_3 = 0x0001;
export const ETH_P_AX25 = 0x0002;
export const ETH_P_ALL = 0x0003;
export const ETH_P_802_2 = 0x0004;
export const ETH_P_SNAP = 0x0005;
export const ETH_P_DDCMP = 0x0006;
export const ETH_P_WAN_PPP = 0x0007;
export const ETH_P_PPP_MP = 0x0008;
export const ETH_P_LOCALTALK = 0x0009;
export const ETH_P_CAN = 0x000c;
export const ETH_P_CANFD = 0x000d;
export const ETH_P_CANXL = 0x000e;
export const ETH_P_PPPTALK = 0x0010;
export const ETH_P_TR_802_2 = 0x0011;
export const ETH_P_MOBITEX = 0x0015;
export const ETH_P_CONTROL = 0x0016;
export const ETH_P_IRDA = 0x0017;
export const ETH_P_ECONET = 0x0018;
export const ETH_P_HDLC = 0x0019;
export const ETH_P_ARCNET = 0x001a;
export const ETH_P_DSA = 0x001b;
export const ETH_P_TRAILER = 0x001c;
export const ETH_P_PHONET = 0x00f5;
export const ETH_P_IEEE802154 = 0x00f6;
export const ETH_P_CAIF = 0x00f7;
export const ETH_P_XDSA = 0x00f8;
export const ETH_P_MAP = 0x00f9;
export const ETH_P_MCTP = 0x00fa;

// struct sockaddr_ll
export const SOCKADDR_LL_SIZE = 20;
export const SOCKADDR_LL_SLL_FAMILY = 0;
export const SOCKADDR_LL_SLL_PROTOCOL = 2;
export const SOCKADDR_LL_SLL_IFINDEX = 4;
export const SOCKADDR_LL_SLL_HATYPE = 8;
export const SOCKADDR_LL_SLL_PKTTYPE = 10;
export const SOCKADDR_LL_SLL_HALEN = 11;
export const SOCKADDR_LL_SLL_ADDR = 12;
export const SOCKADDR_LL_LAYOUT = /* @__PURE__ */ struct('struct sockaddr_ll', SOCKADDR_LL_SIZE, {
  sll_family: u16(SOCKADDR_LL_SLL_FAMILY),
  sll_protocol: u16(SOCKADDR_LL_SLL_PROTOCOL),
  sll_ifindex: i32(SOCKADDR_LL_SLL_IFINDEX),
  sll_hatype: u16(SOCKADDR_LL_SLL_HATYPE),
  sll_pkttype: u8(SOCKADDR_LL_SLL_PKTTYPE),
  sll_halen: u8(SOCKADDR_LL_SLL_HALEN),
  sll_addr: bytes(SOCKADDR_LL_SLL_ADDR, 8),
});

// struct tpacket_req
export const TPACKET_REQ_SIZE = 16;
export const TPACKET_REQ_TP_BLOCK_SIZE = 0;
export const TPACKET_REQ_TP_BLOCK_NR = 4;
export const TPACKET_REQ_TP_FRAME_SIZE = 8;
export const TPACKET_REQ_TP_FRAME_NR = 12;
export const TPACKET_REQ_LAYOUT = /* @__PURE__ */ struct('struct tpacket_req', TPACKET_REQ_SIZE, {
  tp_block_size: u32(TPACKET_REQ_TP_BLOCK_SIZE),
  tp_block_nr: u32(TPACKET_REQ_TP_BLOCK_NR),
  tp_frame_size: u32(TPACKET_REQ_TP_FRAME_SIZE),
  tp_frame_nr: u32(TPACKET_REQ_TP_FRAME_NR),
});

// struct tpacket_req3
export const TPACKET_REQ3_SIZE = 28;
export const TPACKET_REQ3_TP_BLOCK_SIZE = 0;
export const TPACKET_REQ3_TP_BLOCK_NR = 4;
export const TPACKET_REQ3_TP_FRAME_SIZE = 8;
export const TPACKET_REQ3_TP_FRAME_NR = 12;
export const TPACKET_REQ3_TP_RETIRE_BLK_TOV = 16;
export const TPACKET_REQ3_TP_SIZEOF_PRIV = 20;
export const TPACKET_REQ3_TP_FEATURE_REQ_WORD = 24;
export const TPACKET_REQ3_LAYOUT = /* @__PURE__ */ struct('struct tpacket_req3', TPACKET_REQ3_SIZE, {
  tp_block_size: u32(TPACKET_REQ3_TP_BLOCK_SIZE),
  tp_block_nr: u32(TPACKET_REQ3_TP_BLOCK_NR),
  tp_frame_size: u32(TPACKET_REQ3_TP_FRAME_SIZE),
  tp_frame_nr: u32(TPACKET_REQ3_TP_FRAME_NR),
  tp_retire_blk_tov: u32(TPACKET_REQ3_TP_RETIRE_BLK_TOV),
  tp_sizeof_priv: u32(TPACKET_REQ3_TP_SIZEOF_PRIV),
  tp_feature_req_word: u32(TPACKET_REQ3_TP_FEATURE_REQ_WORD),
});

// struct tpacket_hdr
export const TPACKET_HDR_SIZE = 32;
export const TPACKET_HDR_TP_STATUS = 0;
export const TPACKET_HDR_TP_LEN = 8;
export const TPACKET_HDR_TP_SNAPLEN = 12;
export const TPACKET_HDR_TP_MAC = 16;
export const TPACKET_HDR_TP_NET = 18;
export const TPACKET_HDR_TP_SEC = 20;
export const TPACKET_HDR_TP_USEC = 24;
export const TPACKET_HDR_LAYOUT = /* @__PURE__ */ struct('struct tpacket_hdr', TPACKET_HDR_SIZE, {
  tp_status: u64(TPACKET_HDR_TP_STATUS),
  tp_len: u32(TPACKET_HDR_TP_LEN),
  tp_snaplen: u32(TPACKET_HDR_TP_SNAPLEN),
  tp_mac: u16(TPACKET_HDR_TP_MAC),
  tp_net: u16(TPACKET_HDR_TP_NET),
  tp_sec: u32(TPACKET_HDR_TP_SEC),
  tp_usec: u32(TPACKET_HDR_TP_USEC),
});

// struct tpacket2_hdr
export const TPACKET2_HDR_SIZE = 32;
export const TPACKET2_HDR_TP_STATUS = 0;
export const TPACKET2_HDR_TP_LEN = 4;
export const TPACKET2_HDR_TP_SNAPLEN = 8;
export const TPACKET2_HDR_TP_MAC = 12;
export const TPACKET2_HDR_TP_NET = 14;
export const TPACKET2_HDR_TP_SEC = 16;
export const TPACKET2_HDR_TP_NSEC = 20;
export const TPACKET2_HDR_TP_VLAN_TCI = 24;
export const TPACKET2_HDR_TP_VLAN_TPID = 26;
export const TPACKET2_HDR_LAYOUT = /* @__PURE__ */ struct('struct tpacket2_hdr', TPACKET2_HDR_SIZE, {
  tp_status: u32(TPACKET2_HDR_TP_STATUS),
  tp_len: u32(TPACKET2_HDR_TP_LEN),
  tp_snaplen: u32(TPACKET2_HDR_TP_SNAPLEN),
  tp_mac: u16(TPACKET2_HDR_TP_MAC),
  tp_net: u16(TPACKET2_HDR_TP_NET),
  tp_sec: u32(TPACKET2_HDR_TP_SEC),
  tp_nsec: u32(TPACKET2_HDR_TP_NSEC),
  tp_vlan_tci: u16(TPACKET2_HDR_TP_VLAN_TCI),
  tp_vlan_tpid: u16(TPACKET2_HDR_TP_VLAN_TPID),
});

// struct tpacket3_hdr
export const TPACKET3_HDR_SIZE = 48;
export const TPACKET3_HDR_TP_NEXT_OFFSET = 0;
export const TPACKET3_HDR_TP_SEC = 4;
export const TPACKET3_HDR_TP_NSEC = 8;
export const TPACKET3_HDR_TP_SNAPLEN = 12;
export const TPACKET3_HDR_TP_LEN = 16;
export const TPACKET3_HDR_TP_STATUS = 20;
export const TPACKET3_HDR_TP_MAC = 24;
export const TPACKET3_HDR_TP_NET = 26;
export const TPACKET3_HDR_LAYOUT = /* @__PURE__ */ struct('struct tpacket3_hdr', TPACKET3_HDR_SIZE, {
  tp_next_offset: u32(TPACKET3_HDR_TP_NEXT_OFFSET),
  tp_sec: u32(TPACKET3_HDR_TP_SEC),
  tp_nsec: u32(TPACKET3_HDR_TP_NSEC),
  tp_snaplen: u32(TPACKET3_HDR_TP_SNAPLEN),
  tp_len: u32(TPACKET3_HDR_TP_LEN),
  tp_status: u32(TPACKET3_HDR_TP_STATUS),
  tp_mac: u16(TPACKET3_HDR_TP_MAC),
  tp_net: u16(TPACKET3_HDR_TP_NET),
});
