// The five points of a packet's way through the network layer at which filters look at it (netfilter's hooks). A packet
// at a hook has `start` at its IP header and networkOffset, transportOffset, protocol, source and destination set.
import type { PacketBuffer } from '../storage/packet-buffer.js';

export const HOOK_PREROUTING = 0;
export const HOOK_INPUT = 1;
export const HOOK_FORWARD = 2;
export const HOOK_OUTPUT = 3;
export const HOOK_POSTROUTING = 4;

export const VERDICT_ACCEPT = 0;
/** The network layer releases the packet. */
export const VERDICT_DROP = 1;
/** The hook took the packet. */
export const VERDICT_STOLEN = 2;

/** Priorities of netfilter: lower runs first. */
export const PRIORITY_RAW = -300;
export const PRIORITY_CONNTRACK = -200;
export const PRIORITY_MANGLE = -150;
export const PRIORITY_DNAT = -100;
export const PRIORITY_FILTER = 0;
export const PRIORITY_SNAT = 100;
export const PRIORITY_CONFIRM = 0x7fffffff;

/** Which interfaces a packet passes between; 0 where there is none. One object is reused. */
export interface HookContext {
  hook: number;
  inInterface: number;
  outInterface: number;
  now: number;
}

export interface PacketHook {
  readonly priority: number;
  /**
   * May rewrite the packet (after unshare()) and must then keep source, destination and checksums right.
   * Returns VERDICT_*.
   */
  filterPacket(packet: PacketBuffer, context: HookContext): number;
}

export class HookTable {
  private readonly chains: PacketHook[][];
  private readonly context: HookContext;
  /** Set by conntrack: fragments are put together before PREROUTING and OUTPUT hooks see them. */
  needsWhole: boolean;

  constructor() {
    this.chains = [[], [], [], [], []];
    this.context = { hook: 0, inInterface: 0, outInterface: 0, now: 0 };
    this.needsWhole = false;
  }

  add(hook: number, entry: PacketHook): void {
    const chain = this.chains[hook] as PacketHook[];
    let at = 0;
    while (at < chain.length && (chain[at] as PacketHook).priority <= entry.priority) at++;
    chain.splice(at, 0, entry);
  }

  remove(hook: number, entry: PacketHook): void {
    const chain = this.chains[hook] as PacketHook[];
    const at = chain.indexOf(entry);
    if (at >= 0) chain.splice(at, 1);
  }

  isEmpty(hook: number): boolean {
    return (this.chains[hook] as PacketHook[]).length === 0;
  }

  /** Runs the hooks. True when the packet goes on; otherwise it is gone. */
  run(hook: number, packet: PacketBuffer, inInterface: number, outInterface: number, now: number): boolean {
    const chain = this.chains[hook] as PacketHook[];
    for (let i = 0; i < chain.length; i++) {
      const context = this.context;
      // Set anew each time: a hook may have sent a packet, which ran hooks too.
      context.hook = hook;
      context.inInterface = inInterface;
      context.outInterface = outInterface;
      context.now = now;
      const verdict = (chain[i] as PacketHook).filterPacket(packet, context);
      if (verdict === VERDICT_ACCEPT) continue;
      if (verdict === VERDICT_DROP) packet.release();
      return false;
    }
    return true;
  }
}
