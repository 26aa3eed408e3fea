// What root of the sandbox sets up with iptables(8) and nft(8): the tables, and what their rules need to know of the network. Tracking of
// flows and translation begin with the first rule that needs them, and packets pass no hook before that.
import {
  type Address,
  Conntrack,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  Nat,
  type PacketBuffer,
} from '@sandbox-kernel/netstack';
import type { InetSocket } from '../inet-socket.js';
import type { Internet } from '../internet.js';
import { NfTables } from './nft/nf-tables.js';
import { portOf } from './packet-fields.js';
import { XtTables } from './xt/xt-tables.js';

export class Netfilter {
  readonly internet: Internet;
  readonly v4: XtTables;
  readonly v6: XtTables;
  readonly nft: NfTables;
  /** Gets the lines of LOG and log rules; nobody listens at first. */
  onLog: ((line: string) => void) | null;
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
