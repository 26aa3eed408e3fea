// tcp(7) and udp(7): socket options and states.
import { struct, u8, u32, u64 } from './layout.js';

// TCP options
export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_CORK = 3;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_SYNCNT = 7;
export const TCP_LINGER2 = 8;
export const TCP_DEFER_ACCEPT = 9;
export const TCP_WINDOW_CLAMP = 10;
export const TCP_INFO = 11;
export const TCP_QUICKACK = 12;
export const TCP_CONGESTION = 13;
export const TCP_MD5SIG = 14;
export const TCP_COOKIE_TRANSACTIONS = 15;
export const TCP_THIN_LINEAR_TIMEOUTS = 16;
export const TCP_THIN_DUPACK = 17;
export const TCP_USER_TIMEOUT = 18;
export const TCP_REPAIR = 19;
export const TCP_REPAIR_QUEUE = 20;
export const TCP_QUEUE_SEQ = 21;
export const TCP_REPAIR_OPTIONS = 22;
export const TCP_FASTOPEN = 23;
export const TCP_TIMESTAMP = 24;
export const TCP_NOTSENT_LOWAT = 25;
export const TCP_CC_INFO = 26;
export const TCP_SAVE_SYN = 27;
export const TCP_SAVED_SYN = 28;
export const TCP_REPAIR_WINDOW = 29;
export const TCP_FASTOPEN_CONNECT = 30;
export const TCP_ULP = 31;
export const TCP_MD5SIG_EXT = 32;
export const TCP_FASTOPEN_KEY = 33;
export const TCP_FASTOPEN_NO_COOKIE = 34;
export const TCP_ZEROCOPY_RECEIVE = 35;
export const TCP_INQ = 36;
export const TCP_CM_INQ = TCP_INQ;
export const TCP_TX_DELAY = 37;
export const TCP_REPAIR_ON = 1;
export const TCP_REPAIR_OFF = 0;
export const TCP_REPAIR_OFF_NO_WP = -1;
export const TCP_MAXWIN = 65535;
export const TCP_MAX_WINSHIFT = 14;
export const TCP_CA_Open = 0;
export const TCP_CA_Disorder = 1;
export const TCP_CA_CWR = 2;
export const TCP_CA_Recovery = 3;
export const TCP_CA_Loss = 4;
export const TCP_MD5SIG_MAXKEYLEN = 80;
export const TCP_MD5SIG_FLAG_PREFIX = 1;
export const TCP_NO_QUEUE = 0;
export const TCP_RECV_QUEUE = 1;
export const TCP_SEND_QUEUE = 2;
export const TCP_QUEUES_NR = 3;
export const TCP_COOKIE_MIN = 8;
export const TCP_COOKIE_MAX = 16;
export const TCP_COOKIE_PAIR_SIZE = 32;
export const TCP_COOKIE_IN_ALWAYS = 1 << 0;
export const TCP_COOKIE_OUT_NEVER = 1 << 1;
export const TCP_S_DATA_IN = 1 << 2;
export const TCP_S_DATA_OUT = 1 << 3;
export const TCP_MSS_DEFAULT = 536;
export const TCP_MSS_DESIRED = 1220;
export const TCP_ENCAP_ESPINTCP = 7;

// TCP states
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;

// tcp_info.tcpi_options
export const TCPI_OPT_TIMESTAMPS = 1;
export const TCPI_OPT_SACK = 2;
export const TCPI_OPT_WSCALE = 4;
export const TCPI_OPT_ECN = 8;
export const TCPI_OPT_ECN_SEEN = 16;
export const TCPI_OPT_SYN_DATA = 32;

// UDP options
export const UDP_CORK = 1;
export const UDP_ENCAP = 100;
export const UDP_NO_CHECK6_TX = 101;
export const UDP_NO_CHECK6_RX = 102;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
export const UDP_ENCAP_ESPINUDP_NON_IKE = 1;
export const UDP_ENCAP_ESPINUDP = 2;
export const UDP_ENCAP_L2TPINUDP = 3;
export const UDP_ENCAP_GTP0 = 4;
export const UDP_ENCAP_GTP1U = 5;
export const UDP_ENCAP_RXRPC = 6;

// struct tcp_info
export const TCP_INFO_SIZE = 232;
export const TCP_INFO_TCPI_STATE = 0;
export const TCP_INFO_TCPI_CA_STATE = 1;
export const TCP_INFO_TCPI_RETRANSMITS = 2;
export const TCP_INFO_TCPI_PROBES = 3;
export const TCP_INFO_TCPI_BACKOFF = 4;
export const TCP_INFO_TCPI_OPTIONS = 5;
export const TCP_INFO_TCPI_RTO = 8;
export const TCP_INFO_TCPI_ATO = 12;
export const TCP_INFO_TCPI_SND_MSS = 16;
export const TCP_INFO_TCPI_RCV_MSS = 20;
export const TCP_INFO_TCPI_UNACKED = 24;
export const TCP_INFO_TCPI_SACKED = 28;
export const TCP_INFO_TCPI_LOST = 32;
export const TCP_INFO_TCPI_RETRANS = 36;
export const TCP_INFO_TCPI_FACKETS = 40;
export const TCP_INFO_TCPI_LAST_DATA_SENT = 44;
export const TCP_INFO_TCPI_LAST_ACK_SENT = 48;
export const TCP_INFO_TCPI_LAST_DATA_RECV = 52;
export const TCP_INFO_TCPI_LAST_ACK_RECV = 56;
export const TCP_INFO_TCPI_PMTU = 60;
export const TCP_INFO_TCPI_RCV_SSTHRESH = 64;
export const TCP_INFO_TCPI_RTT = 68;
export const TCP_INFO_TCPI_RTTVAR = 72;
export const TCP_INFO_TCPI_SND_SSTHRESH = 76;
export const TCP_INFO_TCPI_SND_CWND = 80;
export const TCP_INFO_TCPI_ADVMSS = 84;
export const TCP_INFO_TCPI_REORDERING = 88;
export const TCP_INFO_TCPI_RCV_RTT = 92;
export const TCP_INFO_TCPI_RCV_SPACE = 96;
export const TCP_INFO_TCPI_TOTAL_RETRANS = 100;
export const TCP_INFO_TCPI_PACING_RATE = 104;
export const TCP_INFO_TCPI_MAX_PACING_RATE = 112;
export const TCP_INFO_TCPI_BYTES_ACKED = 120;
export const TCP_INFO_TCPI_BYTES_RECEIVED = 128;
export const TCP_INFO_TCPI_SEGS_OUT = 136;
export const TCP_INFO_TCPI_SEGS_IN = 140;
export const TCP_INFO_TCPI_NOTSENT_BYTES = 144;
export const TCP_INFO_TCPI_MIN_RTT = 148;
export const TCP_INFO_TCPI_DATA_SEGS_IN = 152;
export const TCP_INFO_TCPI_DATA_SEGS_OUT = 156;
export const TCP_INFO_TCPI_DELIVERY_RATE = 160;
export const TCP_INFO_TCPI_BUSY_TIME = 168;
export const TCP_INFO_TCPI_RWND_LIMITED = 176;
export const TCP_INFO_TCPI_SNDBUF_LIMITED = 184;
export const TCP_INFO_TCPI_DELIVERED = 192;
export const TCP_INFO_TCPI_DELIVERED_CE = 196;
export const TCP_INFO_TCPI_BYTES_SENT = 200;
export const TCP_INFO_TCPI_BYTES_RETRANS = 208;
export const TCP_INFO_TCPI_DSACK_DUPS = 216;
export const TCP_INFO_TCPI_REORD_SEEN = 220;
export const TCP_INFO_TCPI_RCV_OOOPACK = 224;
export const TCP_INFO_TCPI_SND_WND = 228;
export const TCP_INFO_LAYOUT = /* @__PURE__ */ struct('struct tcp_info', TCP_INFO_SIZE, {
  tcpi_state: u8(TCP_INFO_TCPI_STATE),
  tcpi_ca_state: u8(TCP_INFO_TCPI_CA_STATE),
  tcpi_retransmits: u8(TCP_INFO_TCPI_RETRANSMITS),
  tcpi_probes: u8(TCP_INFO_TCPI_PROBES),
  tcpi_backoff: u8(TCP_INFO_TCPI_BACKOFF),
  tcpi_options: u8(TCP_INFO_TCPI_OPTIONS),
  tcpi_rto: u32(TCP_INFO_TCPI_RTO),
  tcpi_ato: u32(TCP_INFO_TCPI_ATO),
  tcpi_snd_mss: u32(TCP_INFO_TCPI_SND_MSS),
  tcpi_rcv_mss: u32(TCP_INFO_TCPI_RCV_MSS),
  tcpi_unacked: u32(TCP_INFO_TCPI_UNACKED),
  tcpi_sacked: u32(TCP_INFO_TCPI_SACKED),
  tcpi_lost: u32(TCP_INFO_TCPI_LOST),
  tcpi_retrans: u32(TCP_INFO_TCPI_RETRANS),
  tcpi_fackets: u32(TCP_INFO_TCPI_FACKETS),
  tcpi_last_data_sent: u32(TCP_INFO_TCPI_LAST_DATA_SENT),
  tcpi_last_ack_sent: u32(TCP_INFO_TCPI_LAST_ACK_SENT),
  tcpi_last_data_recv: u32(TCP_INFO_TCPI_LAST_DATA_RECV),
  tcpi_last_ack_recv: u32(TCP_INFO_TCPI_LAST_ACK_RECV),
  tcpi_pmtu: u32(TCP_INFO_TCPI_PMTU),
  tcpi_rcv_ssthresh: u32(TCP_INFO_TCPI_RCV_SSTHRESH),
  tcpi_rtt: u32(TCP_INFO_TCPI_RTT),
  tcpi_rttvar: u32(TCP_INFO_TCPI_RTTVAR),
  tcpi_snd_ssthresh: u32(TCP_INFO_TCPI_SND_SSTHRESH),
  tcpi_snd_cwnd: u32(TCP_INFO_TCPI_SND_CWND),
  tcpi_advmss: u32(TCP_INFO_TCPI_ADVMSS),
  tcpi_reordering: u32(TCP_INFO_TCPI_REORDERING),
  tcpi_rcv_rtt: u32(TCP_INFO_TCPI_RCV_RTT),
  tcpi_rcv_space: u32(TCP_INFO_TCPI_RCV_SPACE),
  tcpi_total_retrans: u32(TCP_INFO_TCPI_TOTAL_RETRANS),
  tcpi_pacing_rate: u64(TCP_INFO_TCPI_PACING_RATE),
  tcpi_max_pacing_rate: u64(TCP_INFO_TCPI_MAX_PACING_RATE),
  tcpi_bytes_acked: u64(TCP_INFO_TCPI_BYTES_ACKED),
  tcpi_bytes_received: u64(TCP_INFO_TCPI_BYTES_RECEIVED),
  tcpi_segs_out: u32(TCP_INFO_TCPI_SEGS_OUT),
  tcpi_segs_in: u32(TCP_INFO_TCPI_SEGS_IN),
  tcpi_notsent_bytes: u32(TCP_INFO_TCPI_NOTSENT_BYTES),
  tcpi_min_rtt: u32(TCP_INFO_TCPI_MIN_RTT),
  tcpi_data_segs_in: u32(TCP_INFO_TCPI_DATA_SEGS_IN),
  tcpi_data_segs_out: u32(TCP_INFO_TCPI_DATA_SEGS_OUT),
  tcpi_delivery_rate: u64(TCP_INFO_TCPI_DELIVERY_RATE),
  tcpi_busy_time: u64(TCP_INFO_TCPI_BUSY_TIME),
  tcpi_rwnd_limited: u64(TCP_INFO_TCPI_RWND_LIMITED),
  tcpi_sndbuf_limited: u64(TCP_INFO_TCPI_SNDBUF_LIMITED),
  tcpi_delivered: u32(TCP_INFO_TCPI_DELIVERED),
  tcpi_delivered_ce: u32(TCP_INFO_TCPI_DELIVERED_CE),
  tcpi_bytes_sent: u64(TCP_INFO_TCPI_BYTES_SENT),
  tcpi_bytes_retrans: u64(TCP_INFO_TCPI_BYTES_RETRANS),
  tcpi_dsack_dups: u32(TCP_INFO_TCPI_DSACK_DUPS),
  tcpi_reord_seen: u32(TCP_INFO_TCPI_REORD_SEEN),
  tcpi_rcv_ooopack: u32(TCP_INFO_TCPI_RCV_OOOPACK),
  tcpi_snd_wnd: u32(TCP_INFO_TCPI_SND_WND),
});
