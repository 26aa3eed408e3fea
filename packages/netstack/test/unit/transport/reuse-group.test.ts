import { describe, expect, it } from 'vitest';
import type { PacketBuffer } from '../../../src/storage/packet-buffer.js';
import { BindRequest, PortBinding, PortTable } from '../../../src/transport/ports.js';
import { type GroupMember, joinGroup, ReuseGroup } from '../../../src/transport/reuse-group.js';

function member(uid = 0): GroupMember {
  const request = new BindRequest();
  request.reusePort = true;
  request.uid = uid;
  return { binding: new PortBinding(80, request), group: null };
}

const packet = { destination: null, interfaceIndex: 1 } as unknown as PacketBuffer;

describe('a SO_REUSEPORT group', () => {
  it('holds those of one name and user, in the order of joining', () => {
    const members = [member(), member(), member(7)];
    members.forEach((each, i) => {
      joinGroup(each, members.slice(0, i));
    });
    expect(members[1]?.group).toBe(members[0]?.group);
    expect(members[2]?.group).not.toBe(members[0]?.group);
    expect(members[0]?.group?.members).toEqual(members.slice(0, 2));
  });

  it('fills the place of one who leaves with the last', () => {
    const members = [member(), member(), member()];
    members.forEach((each, i) => {
      joinGroup(each, members.slice(0, i));
    });
    const group = members[0]?.group as ReuseGroup;
    group.leave(members[0] as GroupMember);
    expect(group.members).toEqual([members[2], members[1]]);
    expect(members[0]?.group).toBeNull();
  });

  it('keeps the program of one that had it before its name', () => {
    const first = member();
    first.group = new ReuseGroup();
    const kept = first.group;
    joinGroup(first, undefined);
    expect(first.group).toBe(kept);
  });

  it('leaves the choice open where the program names nobody', () => {
    const group = new ReuseGroup();
    const only = member();
    group.members.push(only);
    expect(group.choose(packet, 0)).toBeNull();
    for (const [index, chosen] of [[0, only] as const, [1, null] as const, [0xffffffff, null] as const]) {
      group.chooser = { choosePacket: () => index };
      expect(group.choose(packet, 0)).toBe(chosen);
    }
  });
});

describe('the port of a group', () => {
  const request = (ownGroup: boolean, uid = 0): BindRequest => {
    const made = new BindRequest();
    made.reusePort = true;
    made.ownGroup = ownGroup;
    made.uid = uid;
    return made;
  };

  it('is not for a socket with a program of its own, nor for another user', () => {
    const ports = new PortTable([1000, 2000], () => 1, false);
    expect(ports.bind(80, request(true))).toBeInstanceOf(PortBinding);
    expect(ports.bind(80, request(true))).toBe(-98);
    expect(ports.bind(80, request(false, 7))).toBe(-98);
    expect(ports.bind(80, request(false))).toBeInstanceOf(PortBinding);
  });

  it('is not kept by the one with a program once another shares it', () => {
    const ports = new PortTable([1000, 2000], () => 1, false);
    const first = ports.bind(80, request(true)) as PortBinding;
    expect(ports.mayKeep(first, request(true))).toBe(true);
    const second = ports.bind(80, request(false)) as PortBinding;
    expect(ports.mayKeep(first, request(true))).toBe(false);
    expect(ports.mayKeep(second, request(false))).toBe(true);
  });
});
