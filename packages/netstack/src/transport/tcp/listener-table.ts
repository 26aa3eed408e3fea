// Which listener gets a SYN: the most specific of those bound to the port (address over wildcard, device over none, the
// packet's family over a v6 wildcard), and of a SO_REUSEPORT group the one that its program or the flow's hash chooses.

import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { joinGroup, reduce } from '../reuse-group.js';
import type { TcpListener } from './listener.js';

export class ListenerTable {
  private readonly byPort: Map<number, TcpListener[]>;
  private readonly secret: number;

  constructor(secret: number) {
    this.byPort = new Map();
    this.secret = secret;
  }

  add(listener: TcpListener): void {
    const port = listener.binding.port;
    const list = this.byPort.get(port);
    if (listener.binding.reusePort) joinGroup(listener, list);
    else listener.group = null;
    if (list === undefined) this.byPort.set(port, [listener]);
    else list.push(listener);
  }

  remove(listener: TcpListener): void {
    const list = this.byPort.get(listener.binding.port);
    const at = list === undefined ? -1 : list.indexOf(listener);
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    listener.group?.leave(listener);
    if (list.length === 0) this.byPort.delete(listener.binding.port);
  }

  /** `payload`: where the segment's data begins. */
  find(packet: PacketBuffer, port: number, remotePort: number, payload: number): TcpListener | null {
    const list = this.byPort.get(port);
    if (list === undefined) return null;
    let best: TcpListener | null = null;
    let bestScore = 0;
    for (const listener of list) {
      const score = scoreOf(listener, packet);
      if (score <= bestScore) continue;
      best = listener;
      bestScore = score;
    }
    const group = best?.group ?? null;
    if (group === null || group.members.length < 2) return best;
    const chosen = group.choose(packet, payload);
    if (chosen !== null) return chosen as TcpListener;
    return group.members[reduce(this.hash(packet, remotePort), group.members.length)] as TcpListener;
  }

  all(): readonly TcpListener[] {
    return [...this.byPort.values()].flat();
  }

  private hash(packet: PacketBuffer, remotePort: number): number {
    let h = Math.imul(packet.source!.hash ^ this.secret, 0x2c1b3c6d);
    h = Math.imul(h ^ packet.destination!.hash ^ (h >>> 15), 0x297a2d39);
    h = Math.imul(h ^ remotePort ^ (h >>> 13), 0x2c1b3c6d);
    return h ^ (h >>> 16);
  }
}

function scoreOf(listener: TcpListener, packet: PacketBuffer): number {
  const binding = listener.binding;
  let score = 1;
  if (binding.address !== null) {
    if (!binding.address.equals(packet.destination!)) return 0;
    score += 4;
  } else if (packet.destination!.isV4) {
    if (binding.isV6 && binding.v6Only) return 0;
    if (!binding.isV6) score += 2;
  } else if (!binding.isV6) return 0;
  const device = listener.settings.device;
  if (device !== 0) {
    if (device !== packet.interfaceIndex) return 0;
    score += 8;
  }
  return score;
}
