// What a rule is made of: steps that are asked one after the other, as nf_tables' expressions. A step looks at the packet, at the
// registers that earlier steps of the same rule have filled, or does something, and says how to go on.
import type { HookContext } from '../network/hooks.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import type { Chain } from './rules.js';

/** How to go on: VERDICT_* (0 and up) ends all, the rest are these. */
export const STEP_NEXT = -1;
/** The rule does not match: the next rule. */
export const STEP_BREAK = -2;
/** Back to the calling chain; the policy in a chain that hangs on a hook. */
export const STEP_RETURN = -3;
/** To `target`, and back behind this rule. */
export const STEP_JUMP = -4;
/** To `target`, and back behind the rule that jumped here. */
export const STEP_GOTO = -5;

/** Sixteen registers of four bytes, also seen as four of sixteen. */
export const REGISTER_BYTES = 64;

/** One look at a packet. A chain that hangs on a hook owns one and uses it again. */
export class Evaluation {
  packet: PacketBuffer;
  context: HookContext;
  /** The chain whose rules are asked. */
  chain: Chain;
  /** Of STEP_JUMP and STEP_GOTO. */
  target: Chain | null;
  readonly registers: Uint8Array;
  readonly view: DataView;

  constructor(packet: PacketBuffer, context: HookContext, chain: Chain) {
    this.packet = packet;
    this.context = context;
    this.chain = chain;
    this.target = null;
    this.registers = new Uint8Array(REGISTER_BYTES);
    this.view = new DataView(this.registers.buffer);
  }
}

export interface RuleStep {
  evaluate(look: Evaluation): number;
}

/** Counts packets and bytes of what gets as far as this. */
export class Counter implements RuleStep {
  packets: number;
  bytes: number;

  constructor(packets = 0, bytes = 0) {
    this.packets = packets;
    this.bytes = bytes;
  }

  evaluate(look: Evaluation): number {
    this.add(look.packet);
    return STEP_NEXT;
  }

  add(packet: PacketBuffer): void {
    this.packets++;
    this.bytes += packet.end - packet.networkOffset;
  }
}
