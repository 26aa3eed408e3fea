// What a tracker between two TCP endpoints can tell of a connection from the flags that pass. Sequence numbers are not followed
// (as with Linux's nf_conntrack_tcp_be_liberal): the endpoints judge them.

export const TRACK_NONE = 0;
export const TRACK_SYN_SENT = 1;
export const TRACK_SYN_RECEIVED = 2;
export const TRACK_ESTABLISHED = 3;
export const TRACK_FIN_WAIT = 4;
export const TRACK_CLOSE_WAIT = 5;
export const TRACK_LAST_ACK = 6;
export const TRACK_TIME_WAIT = 7;
export const TRACK_CLOSE = 8;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Seconds, by state (Linux's nf_conntrack_tcp_timeout_*). */
const TIMEOUTS: readonly number[] = [60, 120, 60, 432_000, 120, 60, 30, 120, 10];

export function tcpTimeout(state: number): number {
  return (TIMEOUTS[state] as number) * 1_000_000;
}

/** Whether a segment may begin a flow: a SYN, or with `loose` any segment of a connection that was there before us. */
export function mayBegin(flags: number, loose: boolean): boolean {
  if ((flags & SYN) !== 0) return (flags & (ACK | RST | FIN)) === 0;
  return loose && (flags & ACK) !== 0 && (flags & RST) === 0;
}

/** State after a segment with `flags` in `direction` (0: from whom began). */
export function nextTcpState(state: number, flags: number, direction: number): number {
  if ((flags & RST) !== 0) return state === TRACK_NONE ? TRACK_NONE : TRACK_CLOSE;
  if ((flags & SYN) !== 0) return afterSyn(state, flags, direction);
  if ((flags & FIN) !== 0) return afterFin(state);
  if ((flags & ACK) === 0) return state;
  if (state === TRACK_SYN_RECEIVED || state === TRACK_NONE) return TRACK_ESTABLISHED;
  if (state === TRACK_FIN_WAIT) return TRACK_CLOSE_WAIT;
  return state === TRACK_LAST_ACK ? TRACK_TIME_WAIT : state;
}

function afterSyn(state: number, flags: number, direction: number): number {
  if ((flags & ACK) !== 0) return state === TRACK_SYN_SENT && direction === 1 ? TRACK_SYN_RECEIVED : state;
  // A new connection takes the place of one that is over; simultaneous open counts as received.
  if (state === TRACK_NONE || state >= TRACK_TIME_WAIT) return TRACK_SYN_SENT;
  return state === TRACK_SYN_SENT && direction === 1 ? TRACK_SYN_RECEIVED : state;
}

function afterFin(state: number): number {
  if (state === TRACK_FIN_WAIT || state === TRACK_CLOSE_WAIT) return TRACK_LAST_ACK;
  return state === TRACK_ESTABLISHED || state === TRACK_SYN_RECEIVED ? TRACK_FIN_WAIT : state;
}
