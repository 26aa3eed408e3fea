// What root of the sandbox sets up with iptables(8) and nft(8): the tables, and what their rules need to know of the network. Tracking of
// flows and translation begin with the first rule that needs them, and packets pass no hook before that.
import { CAP_NET_ADMIN } from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import {
  type Address,
  Conntrack,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  type HookContext,
  Nat,
  type PacketBuffer,
} from '@sandbox-kernel/netstack';
import type { InetSocket } from '../inet-socket.js';
import type { Internet } from '../internet.js';
import { NfTables } from './nft/nf-tables.js';
import { portOf } from './packet-fields.js';
import { logLine } from './packet-log.js';
import { XtTables } from './xt/xt-tables.js';

/** CAP_NET_ADMIN where the network belongs: not in a user namespace that a program has made (user_namespaces(7)). */
export function mayAdminister({ credentials, kernel }: Task): boolean {
  return credentials.capableIn(kernel.userNamespace, CAP_NET_ADMIN);
}

/** What a LOG rule says of a packet. */
export interface FilterLogLine {
  readonly text: string;
  /** Where the packet goes. */
  readonly target: string;
  readonly incoming: boolean;
}

export class Netfilter {
  readonly internet: Internet;
  readonly v4: XtTables;
  readonly v6: XtTables;
  readonly nft: NfTables;
  /** Gets the lines of LOG and log rules; nobody listens at first. */
  onLog: ((line: FilterLogLine) => void) | null;
  private conntrack: Conntrack | null;
  private translation: Nat | null;

  constructor(internet: Internet) {
    this.internet = internet;
    this.onLog = null;
    this.conntrack = null;
    this.translation = null;
    this.v4 = new XtTables(this, false);
    this.v6 = new XtTables(this, true);
    this.nft = new NfTables(this);
  }

  get network(): Internet['stack']['network'] {
    return this.internet.stack.network;
  }

  /** The tracker, which from now on sees every packet. */
  get tracker(): Conntrack {
    this.conntrack ??= new Conntrack(this.network);
    return this.conntrack;
  }

  /** The tracker if a rule has asked for it. */
  get activeTracker(): Conntrack | null {
    return this.conntrack;
  }

  get nat(): Nat {
    this.translation ??= new Nat(this.network, this.tracker);
    return this.translation;
  }

  /** For LOG and log rules. `flags`: XT_LOG_*. */
  log(packet: PacketBuffer, context: HookContext, prefix: string, flags: number): void {
    if (this.onLog === null) return;
    const text = logLine(this, packet, context, prefix, flags);
    const incoming = context.hook === HOOK_PREROUTING || context.hook === HOOK_INPUT;
    this.onLog({ text, target: String(packet.destination), incoming });
  }

  interfaceName(index: number): string {
    return index === 0 ? '' : (this.network.interfaceByIndex(index)?.name ?? '');
  }

  /** Whose packet it is, of packets on their way out: the socket bound to its source. */
  ownerOf(packet: PacketBuffer, hook: number): InetSocket | null {
    if (hook !== HOOK_OUTPUT && hook !== HOOK_POSTROUTING) return null;
    const port = portOf(packet, true);
    const remotePort = portOf(packet, false);
    let best: InetSocket | null = null;
    for (const socket of this.internet.sockets) {
      if (!isInet(socket) || socket.protocol !== packet.protocol || socket.localPort !== port) continue;
      const remote = socket.remoteAddress;
      if (remote === null) best ??= socket;
      else if (remote.equals(packet.destination as Address) && socket.remotePort === remotePort)
        return socket;
    }
    return best;
  }
}

function isInet(socket: object): socket is InetSocket {
  return 'localPort' in socket && 'remotePort' in socket;
}
