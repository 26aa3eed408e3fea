import { describe, expect, it } from 'vitest';
import type { PacketEndpoint } from '../../../src/network/packet-endpoint.js';
import {
  FANOUT_HASH,
  FANOUT_PROGRAM,
  FANOUT_ROLLOVER,
  FANOUT_ROUND,
  PacketFanout,
  ROOM_LOW,
  ROOM_NONE,
  ROOM_NORMAL,
} from '../../../src/network/packet-fanout.js';
import { PacketPool } from '../../../src/storage/packet-buffer.js';

interface Member {
  name: string;
  room: number;
  fanout: PacketFanout | null;
  rollover: number;
  rolled: number;
  rollFailed: number;
}

const member = (name: string): Member => ({
  name,
  room: ROOM_NORMAL,
  fanout: null,
  rollover: 0,
  rolled: 0,
  rollFailed: 0,
});

function group(kind: number, rollsOver = false): { fanout: PacketFanout; members: Member[] } {
  const fanout = new PacketFanout(kind, rollsOver, false, { next32: () => 0 });
  const members = [member('a'), member('b'), member('c')];
  for (const each of members) fanout.join(each as unknown as PacketEndpoint);
  return { fanout, members };
}

const pool = new PacketPool();

/** IPv4 and UDP from one port to another. */
function datagram(from: number, to: number, swap = false) {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  bytes[9] = 17;
  view.setUint32(swap ? 16 : 12, 0x0a000001);
  view.setUint32(swap ? 12 : 16, 0x0a000002);
  view.setUint16(20, from);
  view.setUint16(22, to);
  return pool.copyOf(bytes);
}

function chosen(fanout: PacketFanout, packet = datagram(1, 2)): string {
  return (fanout.choose(packet, packet.start, 1, 0x800) as unknown as Member).name;
}

describe('a fanout group', () => {
  it('goes round, beginning with the second', () => {
    const { fanout } = group(FANOUT_ROUND);
    expect([1, 2, 3, 4].map(() => chosen(fanout))).toEqual(['b', 'c', 'a', 'b']);
  });

  it('gives both directions of a flow to one, and flows to all', () => {
    const { fanout } = group(FANOUT_HASH);
    const seen = new Set<string>();
    for (let port = 1; port < 200; port++) {
      const there = chosen(fanout, datagram(port, 80));
      expect(chosen(fanout, datagram(80, port, true))).toBe(there);
      seen.add(there);
    }
    expect(seen.size).toBe(3);
  });

  it('goes by its program, and to the first without', () => {
    const { fanout } = group(FANOUT_PROGRAM);
    expect(chosen(fanout)).toBe('a');
    fanout.chooser = { choosePacket: () => 0xffffffff };
    expect(chosen(fanout)).toBe('a');
    fanout.chooser = { choosePacket: () => 5 };
    expect(chosen(fanout)).toBe('c');
  });

  it('fills one after the other where it rolls over', () => {
    const { fanout, members } = group(FANOUT_ROLLOVER);
    expect(chosen(fanout)).toBe('a');
    (members[0] as Member).room = ROOM_LOW;
    expect(chosen(fanout)).toBe('b');
    for (const each of members) each.room = ROOM_NONE;
    expect(chosen(fanout)).toBe('a');
    expect(members[0]?.rollFailed).toBe(1);
  });

  it('passes on what its choice has no room for, if it may', () => {
    const { fanout, members } = group(FANOUT_PROGRAM, true);
    (members[0] as Member).room = ROOM_NONE;
    expect(chosen(fanout)).toBe('b');
    expect(members[0]?.rolled).toBe(1);
  });

  it('puts the last in the place of one who leaves', () => {
    const { fanout, members } = group(FANOUT_ROUND);
    fanout.leave(members[0] as unknown as PacketEndpoint);
    expect(fanout.members).toEqual([members[2], members[1]]);
    expect(members[0]?.fanout).toBeNull();
  });
});
