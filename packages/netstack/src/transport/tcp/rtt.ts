// Round trip times: RFC 6298's estimator in integer microseconds, the retransmission timeout with its floor as Linux
// applies it (to the variance, so that the timeout never falls below srtt + floor), and a windowed minimum.

const MIN_RTT_WINDOW = 300_000_000;

export class RttEstimator {
  /** Smoothed, in microseconds; 0 until the first sample. */
  smoothed: number;
  /** RTTVAR: mean deviation. */
  variance: number;
  latest: number;
  /** Lowest sample of the last 300 s; -1 until the first. */
  minimum: number;
  private minimumAt: number;
  /** The timeout without back-off. */
  timeout: number;

  constructor(initialTimeout: number) {
    this.smoothed = 0;
    this.variance = initialTimeout >> 2;
    this.latest = 0;
    this.minimum = -1;
    this.minimumAt = 0;
    this.timeout = initialTimeout;
  }

  /** Takes a sample in microseconds; anything below one counts as one. */
  sample(rtt: number, now: number, floor: number, ceiling: number): void {
    const measured = Math.max(1, Math.floor(rtt));
    this.latest = measured;
    if (this.smoothed === 0) {
      this.smoothed = measured;
      this.variance = measured >> 1;
    } else {
      const error = measured - this.smoothed;
      this.variance += Math.trunc((Math.abs(error) - this.variance) / 4);
      this.smoothed = Math.max(1, this.smoothed + Math.round(error / 8));
    }
    this.timeout = Math.min(ceiling, this.smoothed + Math.max(4 * this.variance, floor));
    this.sampleMinimum(measured, now);
  }

  /** RFC 6298 section 5.7: what a lost SYN leaves behind. */
  restart(timeout: number): void {
    this.smoothed = 0;
    this.timeout = timeout;
  }

  private sampleMinimum(measured: number, now: number): void {
    if (this.minimum >= 0 && measured > this.minimum && now - this.minimumAt < MIN_RTT_WINDOW) return;
    this.minimum = measured;
    this.minimumAt = now;
  }
}
