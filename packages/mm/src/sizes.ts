// Sizes of one address space in bytes, kept with every change; see getrlimit(2) and proc_pid_status(5) for what each one is.

export class Sizes {
  total: number;
  totalPeak: number;
  data: number;
  stack: number;
  exec: number;
  locked: number;
  committed: number;
  rssAnonymous: number;
  rssFile: number;
  rssShared: number;
  rssPeak: number;

  constructor() {
    this.total = 0;
    this.totalPeak = 0;
    this.data = 0;
    this.stack = 0;
    this.exec = 0;
    this.locked = 0;
    this.committed = 0;
    this.rssAnonymous = 0;
    this.rssFile = 0;
    this.rssShared = 0;
    this.rssPeak = 0;
  }
}
