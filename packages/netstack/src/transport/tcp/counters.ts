// What TCP counts over all connections: the SNMP groups of /proc/net/snmp and /proc/net/netstat, by their meaning.

export class TcpCounters {
  activeOpens = 0;
  passiveOpens = 0;
  failedAttempts = 0;
  /** A gauge: connections now established or closing. */
  established = 0;
  inSegments = 0;
  outSegments = 0;
  retransmittedSegments = 0;
  inErrors = 0;
  checksumErrors = 0;
  outResets = 0;
  pawsRejected = 0;
  challengeAcks = 0;
  delayedAcks = 0;
  timeouts = 0;
  lossProbes = 0;
  lossProbeRecoveries = 0;
  abortOnData = 0;
  abortOnClose = 0;
  abortOnTimeout = 0;
  synCookiesSent = 0;
  synCookiesReceived = 0;
  synCookiesFailed = 0;
  listenOverflows = 0;
  listenDrops = 0;
  timeWaits = 0;
  timeWaitRecycled = 0;
  fastOpenPassive = 0;
  fastOpenPassiveFail = 0;
  fastOpenCookieRequests = 0;
}
