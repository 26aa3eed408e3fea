// How a guest's link is to be configured: what a mode knows about its own end, for whoever attaches the link to the guest's stack.
import type { Address } from '@sandbox-kernel/netstack';

export interface LinkPlan {
  readonly name: string;
  readonly addresses: readonly { readonly address: Address; readonly prefixLength: number }[];
  readonly routes: readonly {
    readonly destination: Address;
    readonly prefixLength: number;
    readonly gateway?: Address;
  }[];
  /** For the guest's resolv.conf; empty: leave it as it is. */
  readonly nameServers: readonly Address[];
  /** For the guest's hosts file, beside its own name. */
  readonly hosts: readonly { readonly address: Address; readonly name: string }[];
}
