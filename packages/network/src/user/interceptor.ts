// What a guest may put on the wire at all: packets from its own addresses, of protocols that the forwarder carries. They are taken for
// any destination; everything else is refused here, so that raw sockets reach no further than ordinary ones.
import {
  Address,
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
const NEIGHBOR_SOLICITATION = 135;
/** Type, code, checksum, reserved, target. */
const SOLICITATION_LENGTH = 24;

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
    if (destination.isMulticast || destination.isLimitedBroadcast) {
      if (packet.protocol === ICMPV6) this.#noteSearch(packet);
      return VERDICT_ACCEPT;
    }
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

  /** The guest looks for a neighbour (RFC 4861, 4.3) with a link-local address: there is none but the gateway, and nobody says so. */
  #noteSearch(packet: PacketBuffer): void {
    const at = packet.transportOffset;
    if (at + SOLICITATION_LENGTH > packet.end || packet.bytes[at] !== NEIGHBOR_SOLICITATION) return;
    // A source of zeros: it asks whether its own address is free.
    if (packet.source === null || packet.source.isUnspecified) return;
    const target = Address.fromBytes(packet.bytes.subarray(at + 8, at + SOLICITATION_LENGTH));
    if (target === null || !target.isLinkLocal) return;
    if (this.#context.stack.network.isLocalAddress(target, this.#interfaceIndex)) return;
    this.#tell(
      target,
      'link-local addresses are those of the sandbox and its gateway; the host has none here',
    );
  }

  #refuse(packet: PacketBuffer, destination: Address): void {
    this.#tell(destination, `IP protocol ${packet.protocol} is not carried`);
    this.#context.stack.network.refuse(packet, REFUSE_ADMIN);
  }

  #tell(target: Address, reason: string): void {
    const event = {
      kind: 'refuse',
      protocol: 'ip',
      direction: 'out',
      target: `${target}`,
      names: [],
      reason,
      count: 1,
    } as const;
    this.#context.log.add(event, this.#context.now);
  }
}

function isCarried(protocol: number, isV4: boolean): boolean {
  return protocol === TCP || protocol === UDP || protocol === (isV4 ? ICMP : ICMPV6);
}
