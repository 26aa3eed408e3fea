// Which socket a datagram goes to when no connected one matches: scored by how much of it the binding names, as in
// Linux; among equals with SO_REUSEPORT the flow's hash decides, so that one peer always meets the same socket.

import type { Address } from '../../address.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { joinGroup, type ReuseGroup, reduce } from '../reuse-group.js';
import type { UdpEndpoint } from './endpoint.js';

const NONE: readonly UdpEndpoint[] = [];

export class UdpTable {
  private readonly byPort: Map<number, UdpEndpoint[]>;
  private readonly secret: number;

  constructor(secret: number) {
    this.byPort = new Map();
    this.secret = secret;
  }

  add(endpoint: UdpEndpoint, port: number): void {
    const list = this.byPort.get(port);
    if (endpoint.settings.reusePort) joinGroup(endpoint, list);
    else endpoint.group = null;
    if (list === undefined) this.byPort.set(port, [endpoint]);
    else list.push(endpoint);
  }

  remove(endpoint: UdpEndpoint, port: number): void {
    const list = this.byPort.get(port);
    const at = list === undefined ? -1 : list.indexOf(endpoint);
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    endpoint.group?.leave(endpoint);
    if (list.length === 0) this.byPort.delete(port);
  }

  /** Everyone on the port, in order of binding. A socket may close itself while the list is walked: it is a copy if long. */
  onPort(port: number): readonly UdpEndpoint[] {
    const list = this.byPort.get(port);
    return list === undefined ? NONE : list.slice();
  }

  /** `payload`: where the datagram's data begins. */
  find(packet: PacketBuffer, port: number, remotePort: number, payload: number): UdpEndpoint | null {
    const list = this.byPort.get(port);
    if (list === undefined) return null;
    let best: UdpEndpoint | null = null;
    let bestScore = 0;
    for (let i = 0; i < list.length; i++) {
      const endpoint = list[i]!;
      const score = endpoint.score(packet, remotePort);
      // Without SO_REUSEPORT the socket bound last wins.
      if (score < bestScore || score === 0 || (score === bestScore && endpoint.group !== null)) continue;
      best = endpoint;
      bestScore = score;
    }
    const group = best?.group ?? null;
    if (group === null || group.members.length < 2) return best;
    return this.pick(group, packet, remotePort, payload, bestScore) ?? best;
  }

  private pick(
    group: ReuseGroup,
    packet: PacketBuffer,
    remotePort: number,
    payload: number,
    score: number,
  ): UdpEndpoint | null {
    const chosen = group.choose(packet, payload) as UdpEndpoint | null;
    if (chosen !== null && chosen.score(packet, remotePort) > 0) return chosen;
    let h = Math.imul(packet.source!.hash ^ this.secret, 0x2c1b3c6d);
    h = Math.imul(h ^ packet.destination!.hash ^ (h >>> 15), 0x297a2d39);
    h = Math.imul(h ^ remotePort ^ (h >>> 13), 0x2c1b3c6d);
    const equals = group.members.filter(
      (member) => (member as UdpEndpoint).score(packet, remotePort) === score,
    );
    return (equals[reduce(h ^ (h >>> 16), equals.length)] as UdpEndpoint | undefined) ?? null;
  }

  /** The unconnected socket that may have sent from here: for ICMP errors. */
  sender(local: Address, port: number): UdpEndpoint | null {
    const list = this.byPort.get(port);
    if (list === undefined) return null;
    for (const endpoint of list) {
      const bound = endpoint.boundAddress;
      if (bound === null || bound.equals(local)) return endpoint;
    }
    return null;
  }
}
