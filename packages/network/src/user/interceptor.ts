// What a guest may put on the wire at all: packets from its own addresses, of protocols that the forwarder carries. They are taken for
// any destination; everything else is refused here, so that raw sockets reach no further than ordinary ones.
import {
  type Address,
  HOOK_PREROUTING,
  type HookContext,
  PACKET_INTERCEPTED,
  type PacketBuffer,
  type PacketHook,
  PRIORITY_MANGLE,
  REFUSE_ADMIN,
  VERDICT_ACCEPT,
  VERDICT_DROP,
  VERDICT_STOLEN,
} from '@sandbox-kernel/netstack';
import type { FlowContext } from './context.js';

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

export class Interceptor implements PacketHook {
  readonly priority = PRIORITY_MANGLE;
  readonly #context: FlowContext;
  readonly #interfaceIndex: number;
  readonly #guests: readonly Address[];

  constructor(context: FlowContext, interfaceIndex: number, guests: readonly Address[]) {
    this.#context = context;
    this.#interfaceIndex = interfaceIndex;
    this.#guests = guests;
    context.stack.network.hooks.add(HOOK_PREROUTING, this);
  }

  filterPacket(packet: PacketBuffer, context: HookContext): number {
    if (context.inInterface !== this.#interfaceIndex) return VERDICT_ACCEPT;
    const destination = packet.destination as Address;
    if (destination.isMulticast || destination.isLimitedBroadcast) return VERDICT_ACCEPT;
    if (!this.#isGuest(packet.source as Address)) return VERDICT_DROP;
    if (isCarried(packet.protocol, destination.isV4)) {
      packet.flags |= PACKET_INTERCEPTED;
      return VERDICT_ACCEPT;
    }
    this.#refuse(packet, destination);
    return VERDICT_STOLEN;
  }

  #isGuest(source: Address): boolean {
    for (let i = 0; i < this.#guests.length; i++) if (this.#guests[i]?.equals(source)) return true;
    return !source.isV4 && (source.isLinkLocal || source.isUnspecified);
  }

  #refuse(packet: PacketBuffer, destination: Address): void {
    const event = {
      kind: 'refuse',
      protocol: 'ip',
      direction: 'out',
      target: `${destination}`,
      names: [],
      reason: `IP protocol ${packet.protocol} is not carried`,
      count: 1,
    } as const;
    this.#context.log.add(event, this.#context.now);
    this.#context.stack.network.refuse(packet, REFUSE_ADMIN);
  }
}

function isCarried(protocol: number, isV4: boolean): boolean {
  return protocol === TCP || protocol === UDP || protocol === (isV4 ? ICMP : ICMPV6);
}
