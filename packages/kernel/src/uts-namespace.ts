// uname(2): names of this kernel, not of the host's. Host and domain name can be set; the rest is fixed.
export const SYSNAME = 'Linux';
export const RELEASE = '6.12.0-sandbox';
export const VERSION = '#1 SMP PREEMPT_DYNAMIC sandbox-kernel';
export const MACHINE = 'x86_64';

export class UtsNamespace {
  /** latin1, at most 64 bytes. */
  nodename: string;
  domainname: string;

  constructor(nodename: string, domainname: string) {
    this.nodename = nodename;
    this.domainname = domainname;
  }
}
