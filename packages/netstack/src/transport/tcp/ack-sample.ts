// What the acknowledgement in hand has told so far. One record per stack, reset for each segment: the functions of
// ack.ts, sack.ts, rack.ts and recovery.ts add to it and decide on it.

import type { RateSample } from './congestion.js';

export class AckSample implements RateSample {
  /** `sndUna` before this acknowledgement, and the sequence space it moved over. */
  priorUna = 0;
  ackedBytes = 0;
  /** Data (not just SYN or FIN) was acknowledged. */
  dataAcked = false;
  sackedNew = false;
  /** Never retransmitted data was delivered (F-RTO), and retransmitted data was. */
  originalDelivered = false;
  retransmittedAcked = false;
  dsack = false;
  windowChanged = false;
  /** The segment carried data, SYN or FIN of its own: no duplicate acknowledgement. */
  carriesData = false;
  echo = false;
  lostRetransmission = false;
  /** Transmission times of the oldest cumulatively acknowledged and SACKed segments never retransmitted; -1: none. */
  firstAckedAt = -1;
  lastAckedAt = -1;
  firstSackedAt = -1;
  lastSackedAt = -1;
  hasTimestampEcho = false;
  timestampEcho = 0;
  /** Timeouts in a row before this acknowledgement. */
  timeouts = 0;

  /** `delivered` of the connection before this acknowledgement. */
  deliveredBefore = 0;
  priorDelivered = -1;
  priorDeliveredAt = 0;
  sampleSentAt = 0;
  sampleInFlight = 0;
  delivered = 0;
  interval = 0;
  rtt = -1;
  acked = 0;
  lost = 0;
  priorInFlight = 0;
  isAppLimited = false;
  isRetransmit = false;

  reset(una: number, inFlight: number): void {
    this.priorUna = una;
    this.ackedBytes = 0;
    this.dataAcked = false;
    this.sackedNew = false;
    this.originalDelivered = false;
    this.retransmittedAcked = false;
    this.dsack = false;
    this.windowChanged = false;
    this.carriesData = false;
    this.echo = false;
    this.lostRetransmission = false;
    this.firstAckedAt = -1;
    this.lastAckedAt = -1;
    this.firstSackedAt = -1;
    this.lastSackedAt = -1;
    this.hasTimestampEcho = false;
    this.timestampEcho = 0;
    this.timeouts = 0;
    this.resetRate(inFlight);
  }

  private resetRate(inFlight: number): void {
    this.priorDelivered = -1;
    this.priorDeliveredAt = 0;
    this.sampleSentAt = 0;
    this.sampleInFlight = 0;
    this.delivered = 0;
    this.interval = 0;
    this.rtt = -1;
    this.acked = 0;
    this.lost = 0;
    this.priorInFlight = inFlight;
    this.isAppLimited = false;
    this.isRetransmit = false;
  }
}
