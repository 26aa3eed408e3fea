// sock_diag(7): what `ss` asks about sockets.
import { array, struct, u8, u16, u32 } from './layout.js';

// sock_diag
export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;
export const TCPDIAG_GETSOCK = 18;
export const INET_DIAG_NOCOOKIE = 0xffffffff;
export const INET_DIAG_REQ_NONE = 0;
export const INET_DIAG_REQ_BYTECODE = 1;
export const INET_DIAG_REQ_SK_BPF_STORAGES = 2;
export const INET_DIAG_REQ_PROTOCOL = 3;
export const INET_DIAG_BC_NOP = 0;
export const INET_DIAG_BC_JMP = 1;
export const INET_DIAG_BC_S_GE = 2;
export const INET_DIAG_BC_S_LE = 3;
export const INET_DIAG_BC_D_GE = 4;
export const INET_DIAG_BC_D_LE = 5;
export const INET_DIAG_BC_AUTO = 6;
export const INET_DIAG_BC_S_COND = 7;
export const INET_DIAG_BC_D_COND = 8;
export const INET_DIAG_BC_DEV_COND = 9;
export const INET_DIAG_BC_MARK_COND = 10;
export const INET_DIAG_BC_S_EQ = 11;
export const INET_DIAG_BC_D_EQ = 12;
export const INET_DIAG_BC_CGROUP_COND = 13;
export const INET_DIAG_NONE = 0;
export const INET_DIAG_MEMINFO = 1;
export const INET_DIAG_INFO = 2;
export const INET_DIAG_VEGASINFO = 3;
export const INET_DIAG_CONG = 4;
export const INET_DIAG_TOS = 5;
export const INET_DIAG_TCLASS = 6;
export const INET_DIAG_SKMEMINFO = 7;
export const INET_DIAG_SHUTDOWN = 8;
export const INET_DIAG_DCTCPINFO = 9;
export const INET_DIAG_PROTOCOL = 10;
export const INET_DIAG_SKV6ONLY = 11;
export const INET_DIAG_LOCALS = 12;
export const INET_DIAG_PEERS = 13;
export const INET_DIAG_PAD = 14;
export const INET_DIAG_MARK = 15;
export const INET_DIAG_BBRINFO = 16;
export const INET_DIAG_CLASS_ID = 17;
export const INET_DIAG_MD5SIG = 18;
export const INET_DIAG_ULP_INFO = 19;
export const INET_DIAG_SK_BPF_STORAGES = 20;
export const INET_DIAG_CGROUP_ID = 21;
export const INET_DIAG_SOCKOPT = 22;
export const UDIAG_SHOW_NAME = 0x00000001;
export const UDIAG_SHOW_VFS = 0x00000002;
export const UDIAG_SHOW_PEER = 0x00000004;
export const UDIAG_SHOW_ICONS = 0x00000008;
export const UDIAG_SHOW_RQLEN = 0x00000010;
export const UDIAG_SHOW_MEMINFO = 0x00000020;
export const UDIAG_SHOW_UID = 0x00000040;
export const UNIX_DIAG_NAME = 0;
export const UNIX_DIAG_VFS = 1;
export const UNIX_DIAG_PEER = 2;
export const UNIX_DIAG_ICONS = 3;
export const UNIX_DIAG_RQLEN = 4;
export const UNIX_DIAG_MEMINFO = 5;
export const UNIX_DIAG_SHUTDOWN = 6;
export const UNIX_DIAG_UID = 7;

// struct inet_diag_req_v2
export const INET_DIAG_REQ_V2_SIZE = 56;
export const INET_DIAG_REQ_V2_SDIAG_FAMILY = 0;
export const INET_DIAG_REQ_V2_SDIAG_PROTOCOL = 1;
export const INET_DIAG_REQ_V2_IDIAG_EXT = 2;
export const INET_DIAG_REQ_V2_IDIAG_STATES = 4;
export const INET_DIAG_REQ_V2_ID_IDIAG_SPORT = 8;
export const INET_DIAG_REQ_V2_ID_IDIAG_DPORT = 10;
export const INET_DIAG_REQ_V2_ID_IDIAG_SRC = 12;
export const INET_DIAG_REQ_V2_ID_IDIAG_DST = 28;
export const INET_DIAG_REQ_V2_ID_IDIAG_IF = 44;
export const INET_DIAG_REQ_V2_ID_IDIAG_COOKIE = 48;
export const INET_DIAG_REQ_V2_LAYOUT = /* @__PURE__ */ struct(
  'struct inet_diag_req_v2',
  INET_DIAG_REQ_V2_SIZE,
  {
    sdiag_family: u8(INET_DIAG_REQ_V2_SDIAG_FAMILY),
    sdiag_protocol: u8(INET_DIAG_REQ_V2_SDIAG_PROTOCOL),
    idiag_ext: u8(INET_DIAG_REQ_V2_IDIAG_EXT),
    idiag_states: u32(INET_DIAG_REQ_V2_IDIAG_STATES),
    'id.idiag_sport': u16(INET_DIAG_REQ_V2_ID_IDIAG_SPORT),
    'id.idiag_dport': u16(INET_DIAG_REQ_V2_ID_IDIAG_DPORT),
    'id.idiag_src': array('u32', INET_DIAG_REQ_V2_ID_IDIAG_SRC, 4),
    'id.idiag_dst': array('u32', INET_DIAG_REQ_V2_ID_IDIAG_DST, 4),
    'id.idiag_if': u32(INET_DIAG_REQ_V2_ID_IDIAG_IF),
    'id.idiag_cookie': array('u32', INET_DIAG_REQ_V2_ID_IDIAG_COOKIE, 2),
  },
);

// struct inet_diag_msg
export const INET_DIAG_MSG_SIZE = 72;
export const INET_DIAG_MSG_IDIAG_FAMILY = 0;
export const INET_DIAG_MSG_IDIAG_STATE = 1;
export const INET_DIAG_MSG_IDIAG_TIMER = 2;
export const INET_DIAG_MSG_IDIAG_RETRANS = 3;
export const INET_DIAG_MSG_ID_IDIAG_SPORT = 4;
export const INET_DIAG_MSG_ID_IDIAG_DPORT = 6;
export const INET_DIAG_MSG_ID_IDIAG_SRC = 8;
export const INET_DIAG_MSG_ID_IDIAG_DST = 24;
export const INET_DIAG_MSG_ID_IDIAG_IF = 40;
export const INET_DIAG_MSG_ID_IDIAG_COOKIE = 44;
export const INET_DIAG_MSG_IDIAG_EXPIRES = 52;
export const INET_DIAG_MSG_IDIAG_RQUEUE = 56;
export const INET_DIAG_MSG_IDIAG_WQUEUE = 60;
export const INET_DIAG_MSG_IDIAG_UID = 64;
export const INET_DIAG_MSG_IDIAG_INODE = 68;
export const INET_DIAG_MSG_LAYOUT = /* @__PURE__ */ struct('struct inet_diag_msg', INET_DIAG_MSG_SIZE, {
  idiag_family: u8(INET_DIAG_MSG_IDIAG_FAMILY),
  idiag_state: u8(INET_DIAG_MSG_IDIAG_STATE),
  idiag_timer: u8(INET_DIAG_MSG_IDIAG_TIMER),
  idiag_retrans: u8(INET_DIAG_MSG_IDIAG_RETRANS),
  'id.idiag_sport': u16(INET_DIAG_MSG_ID_IDIAG_SPORT),
  'id.idiag_dport': u16(INET_DIAG_MSG_ID_IDIAG_DPORT),
  'id.idiag_src': array('u32', INET_DIAG_MSG_ID_IDIAG_SRC, 4),
  'id.idiag_dst': array('u32', INET_DIAG_MSG_ID_IDIAG_DST, 4),
  'id.idiag_if': u32(INET_DIAG_MSG_ID_IDIAG_IF),
  'id.idiag_cookie': array('u32', INET_DIAG_MSG_ID_IDIAG_COOKIE, 2),
  idiag_expires: u32(INET_DIAG_MSG_IDIAG_EXPIRES),
  idiag_rqueue: u32(INET_DIAG_MSG_IDIAG_RQUEUE),
  idiag_wqueue: u32(INET_DIAG_MSG_IDIAG_WQUEUE),
  idiag_uid: u32(INET_DIAG_MSG_IDIAG_UID),
  idiag_inode: u32(INET_DIAG_MSG_IDIAG_INODE),
});

// struct unix_diag_req
export const UNIX_DIAG_REQ_SIZE = 24;
export const UNIX_DIAG_REQ_SDIAG_FAMILY = 0;
export const UNIX_DIAG_REQ_SDIAG_PROTOCOL = 1;
export const UNIX_DIAG_REQ_UDIAG_STATES = 4;
export const UNIX_DIAG_REQ_UDIAG_INO = 8;
export const UNIX_DIAG_REQ_UDIAG_SHOW = 12;
export const UNIX_DIAG_REQ_UDIAG_COOKIE = 16;
export const UNIX_DIAG_REQ_LAYOUT = /* @__PURE__ */ struct('struct unix_diag_req', UNIX_DIAG_REQ_SIZE, {
  sdiag_family: u8(UNIX_DIAG_REQ_SDIAG_FAMILY),
  sdiag_protocol: u8(UNIX_DIAG_REQ_SDIAG_PROTOCOL),
  udiag_states: u32(UNIX_DIAG_REQ_UDIAG_STATES),
  udiag_ino: u32(UNIX_DIAG_REQ_UDIAG_INO),
  udiag_show: u32(UNIX_DIAG_REQ_UDIAG_SHOW),
  udiag_cookie: array('u32', UNIX_DIAG_REQ_UDIAG_COOKIE, 2),
});

// struct unix_diag_msg
export const UNIX_DIAG_MSG_SIZE = 16;
export const UNIX_DIAG_MSG_UDIAG_FAMILY = 0;
export const UNIX_DIAG_MSG_UDIAG_TYPE = 1;
export const UNIX_DIAG_MSG_UDIAG_STATE = 2;
export const UNIX_DIAG_MSG_UDIAG_INO = 4;
export const UNIX_DIAG_MSG_UDIAG_COOKIE = 8;
export const UNIX_DIAG_MSG_LAYOUT = /* @__PURE__ */ struct('struct unix_diag_msg', UNIX_DIAG_MSG_SIZE, {
  udiag_family: u8(UNIX_DIAG_MSG_UDIAG_FAMILY),
  udiag_type: u8(UNIX_DIAG_MSG_UDIAG_TYPE),
  udiag_state: u8(UNIX_DIAG_MSG_UDIAG_STATE),
  udiag_ino: u32(UNIX_DIAG_MSG_UDIAG_INO),
  udiag_cookie: array('u32', UNIX_DIAG_MSG_UDIAG_COOKIE, 2),
});
