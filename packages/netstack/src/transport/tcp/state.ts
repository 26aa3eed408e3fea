// The states of RFC 9293 section 3.3.2 with the numbers of Linux's <netinet/tcp.h>, as TCP_INFO reports them, and the
// states of loss recovery (tcpi_ca_state).

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

/** Sets of states, tested as `MASK & (1 << state)`. */
export const CAN_SEND_STATES = (1 << TCP_ESTABLISHED) | (1 << TCP_CLOSE_WAIT);
export const SYNCHRONIZED_STATES = ~(
  (1 << TCP_SYN_SENT) |
  (1 << TCP_SYN_RECV) |
  (1 << TCP_CLOSE) |
  (1 << TCP_LISTEN)
);
export const FIN_SENT_STATES =
  (1 << TCP_FIN_WAIT1) |
  (1 << TCP_FIN_WAIT2) |
  (1 << TCP_CLOSING) |
  (1 << TCP_LAST_ACK) |
  (1 << TCP_TIME_WAIT);

export const CA_OPEN = 0;
/** Duplicate or selective acknowledgements seen, nothing deemed lost yet. */
export const CA_DISORDER = 1;
/** The window is being reduced for ECN or local congestion. */
export const CA_CWR = 2;
export const CA_RECOVERY = 3;
/** After a retransmission timeout. */
export const CA_LOSS = 4;
