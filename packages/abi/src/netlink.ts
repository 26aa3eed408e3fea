// netlink(7): families, message headers and flags; generic netlink.
import { i32, struct, u16, u32 } from './layout.js';

// protocols
export const NETLINK_ROUTE = 0;
export const NETLINK_UNUSED = 1;
export const NETLINK_USERSOCK = 2;
export const NETLINK_FIREWALL = 3;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NFLOG = 5;
export const NETLINK_XFRM = 6;
export const NETLINK_SELINUX = 7;
export const NETLINK_ISCSI = 8;
export const NETLINK_AUDIT = 9;
export const NETLINK_FIB_LOOKUP = 10;
export const NETLINK_CONNECTOR = 11;
export const NETLINK_NETFILTER = 12;
export const NETLINK_IP6_FW = 13;
export const NETLINK_DNRTMSG = 14;
export const NETLINK_KOBJECT_UEVENT = 15;
export const NETLINK_GENERIC = 16;
export const NETLINK_SCSITRANSPORT = 18;
export const NETLINK_ECRYPTFS = 19;
export const NETLINK_RDMA = 20;
export const NETLINK_CRYPTO = 21;
export const NETLINK_SMC = 22;
export const NETLINK_INET_DIAG = NETLINK_SOCK_DIAG;

// socket options
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;
export const NETLINK_PKTINFO = 3;
export const NETLINK_BROADCAST_ERROR = 4;
export const NETLINK_NO_ENOBUFS = 5;
export const NETLINK_RX_RING = 6;
export const NETLINK_TX_RING = 7;
export const NETLINK_LISTEN_ALL_NSID = 8;
export const NETLINK_LIST_MEMBERSHIPS = 9;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;
export const NETLINK_UNCONNECTED = 0;
export const NETLINK_CONNECTED = 1;

// header flags
export const NLM_F_REQUEST = 0x01;
export const NLM_F_MULTI = 0x02;
export const NLM_F_ACK = 0x04;
export const NLM_F_ECHO = 0x08;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP_FILTERED = 0x20;
export const NLM_F_ROOT = 0x100;
export const NLM_F_MATCH = 0x200;
export const NLM_F_ATOMIC = 0x400;
export const NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_NONREC = 0x100;
export const NLM_F_BULK = 0x200;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

// control messages
export const NLMSG_ALIGNTO = 4;
export const NLMSG_HDRLEN = 16;
export const NLMSG_NOOP = 0x1;
export const NLMSG_ERROR = 0x2;
export const NLMSG_DONE = 0x3;
export const NLMSG_OVERRUN = 0x4;
export const NLMSG_MIN_TYPE = 0x10;

// extended acks
export const NLMSGERR_ATTR_UNUSED = 0;
export const NLMSGERR_ATTR_MSG = 1;
export const NLMSGERR_ATTR_OFFS = 2;
export const NLMSGERR_ATTR_COOKIE = 3;
export const NLMSGERR_ATTR_POLICY = 4;
export const NLMSGERR_ATTR_MISS_TYPE = 5;
export const NLMSGERR_ATTR_MISS_NEST = 6;

// attributes
export const NLA_F_NESTED = 1 << 15;
export const NLA_F_NET_BYTEORDER = 1 << 14;
export const NLA_TYPE_MASK = -49153;
export const NLA_ALIGNTO = 4;
export const NLA_HDRLEN = 4;

// generic netlink
export const GENL_NAMSIZ = 16;
export const GENL_MIN_ID = NLMSG_MIN_TYPE;
export const GENL_MAX_ID = 1023;
export const GENL_HDRLEN = 4;
export const GENL_ADMIN_PERM = 0x01;
export const GENL_CMD_CAP_DO = 0x02;
export const GENL_CMD_CAP_DUMP = 0x04;
export const GENL_CMD_CAP_HASPOL = 0x08;
export const GENL_UNS_ADMIN_PERM = 0x10;
export const GENL_ID_CTRL = NLMSG_MIN_TYPE;
export const GENL_ID_VFS_DQUOT = 17;
export const GENL_ID_PMCRAID = 18;
export const GENL_START_ALLOC = 19;
export const CTRL_CMD_UNSPEC = 0;
export const CTRL_CMD_NEWFAMILY = 1;
export const CTRL_CMD_DELFAMILY = 2;
export const CTRL_CMD_GETFAMILY = 3;
export const CTRL_CMD_NEWOPS = 4;
export const CTRL_CMD_DELOPS = 5;
export const CTRL_CMD_GETOPS = 6;
export const CTRL_CMD_NEWMCAST_GRP = 7;
export const CTRL_CMD_DELMCAST_GRP = 8;
export const CTRL_CMD_GETMCAST_GRP = 9;
export const CTRL_CMD_GETPOLICY = 10;
export const CTRL_ATTR_UNSPEC = 0;
export const CTRL_ATTR_FAMILY_ID = 1;
export const CTRL_ATTR_FAMILY_NAME = 2;
export const CTRL_ATTR_VERSION = 3;
export const CTRL_ATTR_HDRSIZE = 4;
export const CTRL_ATTR_MAXATTR = 5;
export const CTRL_ATTR_OPS = 6;
export const CTRL_ATTR_MCAST_GROUPS = 7;
export const CTRL_ATTR_POLICY = 8;
export const CTRL_ATTR_OP_POLICY = 9;
export const CTRL_ATTR_OP = 10;
export const CTRL_ATTR_OP_UNSPEC = 0;
export const CTRL_ATTR_OP_ID = 1;
export const CTRL_ATTR_OP_FLAGS = 2;
export const CTRL_ATTR_MCAST_GRP_UNSPEC = 0;
export const CTRL_ATTR_MCAST_GRP_NAME = 1;
export const CTRL_ATTR_MCAST_GRP_ID = 2;
export const CTRL_ATTR_POLICY_UNSPEC = 0;
export const CTRL_ATTR_POLICY_DO = 1;
export const CTRL_ATTR_POLICY_DUMP = 2;

// struct sockaddr_nl
export const SOCKADDR_NL_SIZE = 12;
export const SOCKADDR_NL_NL_FAMILY = 0;
export const SOCKADDR_NL_NL_PAD = 2;
export const SOCKADDR_NL_NL_PID = 4;
export const SOCKADDR_NL_NL_GROUPS = 8;
export const SOCKADDR_NL_LAYOUT = /* @__PURE__ */ struct('struct sockaddr_nl', SOCKADDR_NL_SIZE, {
  nl_family: u16(SOCKADDR_NL_NL_FAMILY),
  nl_pad: u16(SOCKADDR_NL_NL_PAD),
  nl_pid: u32(SOCKADDR_NL_NL_PID),
  nl_groups: u32(SOCKADDR_NL_NL_GROUPS),
});

// struct nlmsghdr
export const NLMSGHDR_SIZE = 16;
export const NLMSGHDR_NLMSG_LEN = 0;
export const NLMSGHDR_NLMSG_TYPE = 4;
export const NLMSGHDR_NLMSG_FLAGS = 6;
export const NLMSGHDR_NLMSG_SEQ = 8;
export const NLMSGHDR_NLMSG_PID = 12;
export const NLMSGHDR_LAYOUT = /* @__PURE__ */ struct('struct nlmsghdr', NLMSGHDR_SIZE, {
  nlmsg_len: u32(NLMSGHDR_NLMSG_LEN),
  nlmsg_type: u16(NLMSGHDR_NLMSG_TYPE),
  nlmsg_flags: u16(NLMSGHDR_NLMSG_FLAGS),
  nlmsg_seq: u32(NLMSGHDR_NLMSG_SEQ),
  nlmsg_pid: u32(NLMSGHDR_NLMSG_PID),
});

// struct nlmsgerr
export const NLMSGERR_SIZE = 20;
export const NLMSGERR_ERROR = 0;
export const NLMSGERR_MSG_NLMSG_LEN = 4;
export const NLMSGERR_MSG_NLMSG_TYPE = 8;
export const NLMSGERR_MSG_NLMSG_FLAGS = 10;
export const NLMSGERR_MSG_NLMSG_SEQ = 12;
export const NLMSGERR_MSG_NLMSG_PID = 16;
export const NLMSGERR_LAYOUT = /* @__PURE__ */ struct('struct nlmsgerr', NLMSGERR_SIZE, {
  error: i32(NLMSGERR_ERROR),
  'msg.nlmsg_len': u32(NLMSGERR_MSG_NLMSG_LEN),
  'msg.nlmsg_type': u16(NLMSGERR_MSG_NLMSG_TYPE),
  'msg.nlmsg_flags': u16(NLMSGERR_MSG_NLMSG_FLAGS),
  'msg.nlmsg_seq': u32(NLMSGERR_MSG_NLMSG_SEQ),
  'msg.nlmsg_pid': u32(NLMSGERR_MSG_NLMSG_PID),
});

// struct nlattr
export const NLATTR_SIZE = 4;
export const NLATTR_NLA_LEN = 0;
export const NLATTR_NLA_TYPE = 2;
export const NLATTR_LAYOUT = /* @__PURE__ */ struct('struct nlattr', NLATTR_SIZE, {
  nla_len: u16(NLATTR_NLA_LEN),
  nla_type: u16(NLATTR_NLA_TYPE),
});
