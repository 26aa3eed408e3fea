import type { Netfilter } from '../netfilter.js';
export class NfTables {
  readonly netfilter: Netfilter;
  constructor(netfilter: Netfilter) {
    this.netfilter = netfilter;
  }
}
