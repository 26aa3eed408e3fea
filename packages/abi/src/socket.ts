// socket(2), socket options of SOL_SOCKET (socket(7)), message flags (send(2), recv(2)), control messages (cmsg(3)).
import { bytes, i32, struct, u16, u32, u64 } from './layout.js';

// types
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
export const SOCK_DCCP = 6;
export const SOCK_PACKET = 10;
export const SOCK_CLOEXEC = 0x80000;
export const SOCK_NONBLOCK = 0x800;

// address families
export const AF_UNSPEC = 0;
export const AF_LOCAL = 1;
export const AF_UNIX = 1;
export const AF_FILE = 1;
export const AF_INET = 2;
export const AF_AX25 = 3;
export const AF_IPX = 4;
export const AF_APPLETALK = 5;
export const AF_NETROM = 6;
export const AF_BRIDGE = 7;
export const AF_ATMPVC = 8;
export const AF_X25 = 9;
export const AF_INET6 = 10;
export const AF_ROSE = 11;
export const AF_DECnet = 12;
export const AF_NETBEUI = 13;
export const AF_SECURITY = 14;
export const AF_KEY = 15;
export const AF_NETLINK = 16;
export const AF_ROUTE = 16;
export const AF_PACKET = 17;
export const AF_ASH = 18;
export const AF_ECONET = 19;
export const AF_ATMSVC = 20;
export const AF_RDS = 21;
export const AF_SNA = 22;
export const AF_IRDA = 23;
export const AF_PPPOX = 24;
export const AF_WANPIPE = 25;
export const AF_LLC = 26;
export const AF_IB = 27;
export const AF_MPLS = 28;
export const AF_CAN = 29;
export const AF_TIPC = 30;
export const AF_BLUETOOTH = 31;
export const AF_IUCV = 32;
export const AF_RXRPC = 33;
export const AF_ISDN = 34;
export const AF_PHONET = 35;
export const AF_IEEE802154 = 36;
export const AF_CAIF = 37;
export const AF_ALG = 38;
export const AF_NFC = 39;
export const AF_VSOCK = 40;
export const AF_KCM = 41;
export const AF_QIPCRTR = 42;
export const AF_SMC = 43;
export const AF_XDP = 44;
export const AF_MCTP = 45;
export const AF_MAX = 46;

// protocol families
export const PF_UNSPEC = 0;
export const PF_LOCAL = 1;
export const PF_UNIX = PF_LOCAL;
export const PF_INET = 2;
export const PF_INET6 = 10;
export const PF_NETLINK = 16;
export const PF_PACKET = 17;
export const PF_MAX = 46;

// option levels
export const SOL_RAW = 255;
export const SOL_DECNET = 261;
export const SOL_X25 = 262;
export const SOL_PACKET = 263;
export const SOL_ATM = 264;
export const SOL_AAL = 265;
export const SOL_IRDA = 266;
export const SOL_NETBEUI = 267;
export const SOL_LLC = 268;
export const SOL_DCCP = 269;
export const SOL_NETLINK = 270;
export const SOL_TIPC = 271;
export const SOL_RXRPC = 272;
export const SOL_PPPOL2TP = 273;
export const SOL_BLUETOOTH = 274;
export const SOL_PNPIPE = 275;
export const SOL_RDS = 276;
export const SOL_IUCV = 277;
export const SOL_CAIF = 278;
export const SOL_ALG = 279;
export const SOL_NFC = 280;
export const SOL_KCM = 281;
export const SOL_TLS = 282;
export const SOL_XDP = 283;
export const SOL_MPTCP = 284;
export const SOL_MCTP = 285;
export const SOL_SMC = 286;
export const SOL_SOCKET = 1;

// SOL_SOCKET options
export const SO_DEBUG = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_BSDCOMPAT = 14;
export const SO_REUSEPORT = 15;
export const SO_PASSCRED = 16;
export const SO_PEERCRED = 17;
export const SO_RCVLOWAT = 18;
export const SO_SNDLOWAT = 19;
export const SO_RCVTIMEO_OLD = 20;
export const SO_SNDTIMEO_OLD = 21;
export const SO_SECURITY_AUTHENTICATION = 22;
export const SO_SECURITY_ENCRYPTION_TRANSPORT = 23;
export const SO_SECURITY_ENCRYPTION_NETWORK = 24;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_GET_FILTER = SO_ATTACH_FILTER;
export const SO_PEERNAME = 28;
export const SO_ACCEPTCONN = 30;
export const SO_PEERSEC = 31;
export const SO_PASSSEC = 34;
export const SO_MARK = 36;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_WIFI_STATUS = 41;
export const SO_PEEK_OFF = 42;
export const SO_NOFCS = 43;
export const SO_LOCK_FILTER = 44;
export const SO_SELECT_ERR_QUEUE = 45;
export const SO_BUSY_POLL = 46;
export const SO_MAX_PACING_RATE = 47;
export const SO_BPF_EXTENSIONS = 48;
export const SO_INCOMING_CPU = 49;
export const SO_ATTACH_BPF = 50;
export const SO_DETACH_BPF = SO_DETACH_FILTER;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_ATTACH_REUSEPORT_EBPF = 52;
export const SO_CNX_ADVICE = 53;
export const SO_MEMINFO = 55;
export const SO_INCOMING_NAPI_ID = 56;
export const SO_COOKIE = 57;
export const SO_PEERGROUPS = 59;
export const SO_ZEROCOPY = 60;
export const SO_TXTIME = 61;
export const SO_BINDTOIFINDEX = 62;
export const SO_TIMESTAMP_OLD = 29;
export const SO_TIMESTAMPNS_OLD = 35;
export const SO_TIMESTAMPING_OLD = 37;
export const SO_TIMESTAMP_NEW = 63;
export const SO_TIMESTAMPNS_NEW = 64;
export const SO_TIMESTAMPING_NEW = 65;
export const SO_RCVTIMEO_NEW = 66;
export const SO_SNDTIMEO_NEW = 67;
export const SO_DETACH_REUSEPORT_BPF = 68;
export const SO_PREFER_BUSY_POLL = 69;
export const SO_BUSY_POLL_BUDGET = 70;
export const SO_NETNS_COOKIE = 71;
export const SO_BUF_LOCK = 72;
export const SO_RESERVE_MEM = 73;
export const SO_TXREHASH = 74;
export const SO_RCVMARK = 75;
export const SO_TIMESTAMP = SO_TIMESTAMP_OLD;
export const SO_TIMESTAMPNS = SO_TIMESTAMPNS_OLD;
export const SO_TIMESTAMPING = SO_TIMESTAMPING_OLD;
export const SO_RCVTIMEO = SO_RCVTIMEO_OLD;
export const SO_SNDTIMEO = SO_SNDTIMEO_OLD;

// message flags
export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_DONTROUTE = 4;
export const MSG_TRYHARD = MSG_DONTROUTE;
export const MSG_CTRUNC = 8;
export const MSG_PROXY = 16;
export const MSG_TRUNC = 32;
export const MSG_DONTWAIT = 64;
export const MSG_EOR = 128;
export const MSG_WAITALL = 0x100;
export const MSG_FIN = 0x200;
export const MSG_SYN = 0x400;
export const MSG_CONFIRM = 0x800;
export const MSG_RST = 0x1000;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_BATCH = 0x40000;
export const MSG_ZEROCOPY = 0x4000000;
export const MSG_FASTOPEN = 0x20000000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

// shutdown: how
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

// control messages of SOL_SOCKET
export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;
export const SCM_WIFI_STATUS = SO_WIFI_STATUS;
export const SCM_TIMESTAMPING_OPT_STATS = 54;
export const SCM_TIMESTAMPING_PKTINFO = 58;
export const SCM_TXTIME = SO_TXTIME;
export const SCM_TIMESTAMP = SO_TIMESTAMP;
export const SCM_TIMESTAMPNS = SO_TIMESTAMPNS;
export const SCM_TIMESTAMPING = SO_TIMESTAMPING;

// limits
export const SOMAXCONN = 4096;

// timestamping
export const SOF_TIMESTAMPING_TX_HARDWARE = 1;
export const SOF_TIMESTAMPING_TX_SOFTWARE = 2;
export const SOF_TIMESTAMPING_RX_HARDWARE = 4;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 8;
export const SOF_TIMESTAMPING_SOFTWARE = 16;
export const SOF_TIMESTAMPING_SYS_HARDWARE = 32;
export const SOF_TIMESTAMPING_RAW_HARDWARE = 64;
export const SOF_TIMESTAMPING_OPT_ID = 128;
export const SOF_TIMESTAMPING_TX_SCHED = 256;
export const SOF_TIMESTAMPING_TX_ACK = 512;
export const SOF_TIMESTAMPING_OPT_CMSG = 1024;
export const SOF_TIMESTAMPING_OPT_TSONLY = 2048;
export const SOF_TIMESTAMPING_OPT_STATS = 4096;
export const SOF_TIMESTAMPING_OPT_PKTINFO = 8192;
export const SOF_TIMESTAMPING_OPT_TX_SWHW = 16384;
export const SOF_TIMESTAMPING_BIND_PHC = 32768;
export const SOF_TIMESTAMPING_LAST = 32768;
export const SOF_TIMESTAMPING_MASK = 65535;
export const SOF_TIMESTAMPING_TX_RECORD_MASK =
  SOF_TIMESTAMPING_TX_HARDWARE |
  SOF_TIMESTAMPING_TX_SOFTWARE |
  SOF_TIMESTAMPING_TX_SCHED |
  SOF_TIMESTAMPING_TX_ACK;
export const HWTSTAMP_FLAG_BONDED_PHC_INDEX = 1;
export const HWTSTAMP_FLAG_LAST = 1;
export const HWTSTAMP_FLAG_MASK = 1;
export const HWTSTAMP_TX_OFF = 0;
export const HWTSTAMP_TX_ON = 1;
export const HWTSTAMP_TX_ONESTEP_SYNC = 2;
export const HWTSTAMP_TX_ONESTEP_P2P = 3;
export const HWTSTAMP_FILTER_NONE = 0;
export const HWTSTAMP_FILTER_ALL = 1;
export const HWTSTAMP_FILTER_SOME = 2;
export const HWTSTAMP_FILTER_PTP_V1_L4_EVENT = 3;
export const HWTSTAMP_FILTER_PTP_V1_L4_SYNC = 4;
export const HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ = 5;
export const HWTSTAMP_FILTER_PTP_V2_L4_EVENT = 6;
export const HWTSTAMP_FILTER_PTP_V2_L4_SYNC = 7;
export const HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ = 8;
export const HWTSTAMP_FILTER_PTP_V2_L2_EVENT = 9;
export const HWTSTAMP_FILTER_PTP_V2_L2_SYNC = 10;
export const HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ = 11;
export const HWTSTAMP_FILTER_PTP_V2_EVENT = 12;
export const HWTSTAMP_FILTER_PTP_V2_SYNC = 13;
export const HWTSTAMP_FILTER_PTP_V2_DELAY_REQ = 14;
export const HWTSTAMP_FILTER_NTP_ALL = 15;
export const SOF_TXTIME_DEADLINE_MODE = 1;
export const SOF_TXTIME_REPORT_ERRORS = 2;
export const SOF_TXTIME_FLAGS_LAST = 2;
export const SOF_TXTIME_FLAGS_MASK = 3;

// Newer than the headers of Linux 6.1.
export const SO_PASSPIDFD = 76;
export const SO_PEERPIDFD = 77;
export const SCM_PIDFD = 0x04;
export const SO_RCVPRIORITY = 82;
export const SO_PASSRIGHTS = 83;

// struct msghdr
export const MSGHDR_SIZE = 56;
export const MSGHDR_MSG_NAME = 0;
export const MSGHDR_MSG_NAMELEN = 8;
export const MSGHDR_MSG_IOV = 16;
export const MSGHDR_MSG_IOVLEN = 24;
export const MSGHDR_MSG_CONTROL = 32;
export const MSGHDR_MSG_CONTROLLEN = 40;
export const MSGHDR_MSG_FLAGS = 48;
export const MSGHDR_LAYOUT = /* @__PURE__ */ struct('struct msghdr', MSGHDR_SIZE, {
  msg_name: u64(MSGHDR_MSG_NAME),
  msg_namelen: u32(MSGHDR_MSG_NAMELEN),
  msg_iov: u64(MSGHDR_MSG_IOV),
  msg_iovlen: u64(MSGHDR_MSG_IOVLEN),
  msg_control: u64(MSGHDR_MSG_CONTROL),
  msg_controllen: u64(MSGHDR_MSG_CONTROLLEN),
  msg_flags: i32(MSGHDR_MSG_FLAGS),
});

// struct mmsghdr
export const MMSGHDR_SIZE = 64;
export const MMSGHDR_MSG_HDR_MSG_NAME = 0;
export const MMSGHDR_MSG_HDR_MSG_NAMELEN = 8;
export const MMSGHDR_MSG_HDR_MSG_IOV = 16;
export const MMSGHDR_MSG_HDR_MSG_IOVLEN = 24;
export const MMSGHDR_MSG_HDR_MSG_CONTROL = 32;
export const MMSGHDR_MSG_HDR_MSG_CONTROLLEN = 40;
export const MMSGHDR_MSG_HDR_MSG_FLAGS = 48;
export const MMSGHDR_MSG_LEN = 56;
export const MMSGHDR_LAYOUT = /* @__PURE__ */ struct('struct mmsghdr', MMSGHDR_SIZE, {
  'msg_hdr.msg_name': u64(MMSGHDR_MSG_HDR_MSG_NAME),
  'msg_hdr.msg_namelen': u32(MMSGHDR_MSG_HDR_MSG_NAMELEN),
  'msg_hdr.msg_iov': u64(MMSGHDR_MSG_HDR_MSG_IOV),
  'msg_hdr.msg_iovlen': u64(MMSGHDR_MSG_HDR_MSG_IOVLEN),
  'msg_hdr.msg_control': u64(MMSGHDR_MSG_HDR_MSG_CONTROL),
  'msg_hdr.msg_controllen': u64(MMSGHDR_MSG_HDR_MSG_CONTROLLEN),
  'msg_hdr.msg_flags': i32(MMSGHDR_MSG_HDR_MSG_FLAGS),
  msg_len: u32(MMSGHDR_MSG_LEN),
});

// struct cmsghdr
export const CMSGHDR_SIZE = 16;
export const CMSGHDR_CMSG_LEN = 0;
export const CMSGHDR_CMSG_LEVEL = 8;
export const CMSGHDR_CMSG_TYPE = 12;
export const CMSGHDR_LAYOUT = /* @__PURE__ */ struct('struct cmsghdr', CMSGHDR_SIZE, {
  cmsg_len: u64(CMSGHDR_CMSG_LEN),
  cmsg_level: i32(CMSGHDR_CMSG_LEVEL),
  cmsg_type: i32(CMSGHDR_CMSG_TYPE),
});

// struct sockaddr_storage
export const SOCKADDR_STORAGE_SIZE = 128;
export const SOCKADDR_STORAGE_SS_FAMILY = 0;
export const SOCKADDR_STORAGE_SS_PADDING = 2;
export const SOCKADDR_STORAGE_SS_ALIGN = 120;
export const SOCKADDR_STORAGE_LAYOUT = /* @__PURE__ */ struct(
  'struct sockaddr_storage',
  SOCKADDR_STORAGE_SIZE,
  {
    ss_family: u16(SOCKADDR_STORAGE_SS_FAMILY),
    __ss_padding: bytes(SOCKADDR_STORAGE_SS_PADDING, 118),
    __ss_align: u64(SOCKADDR_STORAGE_SS_ALIGN),
  },
);

// struct ucred
export const UCRED_SIZE = 12;
export const UCRED_PID = 0;
export const UCRED_UID = 4;
export const UCRED_GID = 8;
export const UCRED_LAYOUT = /* @__PURE__ */ struct('struct ucred', UCRED_SIZE, {
  pid: i32(UCRED_PID),
  uid: u32(UCRED_UID),
  gid: u32(UCRED_GID),
});

// struct linger
export const LINGER_SIZE = 8;
export const LINGER_L_ONOFF = 0;
export const LINGER_L_LINGER = 4;
export const LINGER_LAYOUT = /* @__PURE__ */ struct('struct linger', LINGER_SIZE, {
  l_onoff: i32(LINGER_L_ONOFF),
  l_linger: i32(LINGER_L_LINGER),
});

/** Length rounded up to the alignment of control messages (CMSG_ALIGN). */
export function cmsgAlign(length: number): number {
  return (length + 7) & ~7;
}

/** Bytes a control message with `length` bytes of data takes in a buffer (CMSG_SPACE). */
export function cmsgSpace(length: number): number {
  return CMSGHDR_SIZE + cmsgAlign(length);
}

/** cmsg_len of a control message with `length` bytes of data (CMSG_LEN). */
export function cmsgLength(length: number): number {
  return CMSGHDR_SIZE + length;
}
