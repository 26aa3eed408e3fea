// A pinger over a raw endpoint.
import type { Address } from '../../src/address.js';
import type { RawEndpoint } from '../../src/network/raw-endpoint.js';
import type { Stack } from '../../src/stack.js';
import { finishIcmp4, ICMP4_ECHO, ICMP6_ECHO, writeIcmp } from '../../src/wire/icmp.js';

export class Pinger {
  readonly raw: RawEndpoint;
  private readonly stack: Stack;
  private readonly v4: boolean;

  constructor(stack: Stack, v4: boolean) {
    this.stack = stack;
    this.v4 = v4;
    this.raw = stack.rawEndpoint({ v4, protocol: v4 ? 1 : 58 });
    // Neighbour discovery, types 133 to 137 and MLD, is none of our business.
    this.raw.icmp6Filter.fill(-1);
    this.raw.icmp6Filter[0] = 0;
    this.raw.icmp6Filter[4] = ~3;
  }

  send(to: Address, size = 56, sequence = 1): number {
    const packet = this.stack.pool.allocate(8 + size);
    packet.append(8 + size);
    writeIcmp(packet.view, packet.start, this.v4 ? ICMP4_ECHO : ICMP6_ECHO, 0, 0x12340000 + sequence);
    for (let i = 0; i < size; i++) packet.bytes[packet.start + 8 + i] = i & 255;
    if (this.v4) finishIcmp4(packet.view, packet.start, packet.end);
    return this.raw.send(packet, to);
  }

  /** Types of the messages that have come, with their length. */
  received(): { type: number; code: number; length: number; from: string; ttl: number; rest: number }[] {
    const list = [];
    for (let p = this.raw.receive(); p !== null; p = this.raw.receive()) {
      const at = p.transportOffset;
      list.push({
        type: p.view.getUint8(at),
        code: p.view.getUint8(at + 1),
        length: p.end - at,
        from: String(p.source),
        ttl: p.ttl,
        rest: p.view.getUint32(at + 4),
      });
      p.release();
    }
    return list;
  }
}
