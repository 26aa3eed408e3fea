import { fstatSync, openSync } from 'node:fs';
import { EAGAIN, EBADF, EINVAL } from '@sandbox-kernel/abi';
import { HostCallError, makePipe, makeSocketPair, openHost, sendDescriptors } from '@sandbox-kernel/host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const host = openHost();
const ends = new Int32Array(2);
beforeEach(() => {
  expect(host.sockets.pair(AF_UNIX, SOCK_SEQPACKET, 0, ends)).toBe(0);
});
afterEach(() => {
  for (const fd of ends) host.descriptors.close(fd);
});

describe('sockets', () => {
  it('carry bytes and descriptors', () => {
    const [a = -1, b = -1] = ends;
    const file = openSync('/etc/passwd', 'r');
    expect(host.sockets.send(a, Uint8Array.of(0, 1, 2, 3), 1, 3, [file, a])).toBe(3);
    const into = new Uint8Array(8);
    expect(host.sockets.receive(b, into, 2, 6)).toBe(3);
    expect([...into]).toEqual([0, 0, 1, 2, 3, 0, 0, 0]);
    expect(host.sockets.received.length).toBe(2);
    expect(fstatSync(host.sockets.received[0] ?? -1).ino).toBe(fstatSync(file).ino);
    for (const fd of [file, ...host.sockets.received]) host.descriptors.close(fd);
  });

  it('carry the most descriptors that the host allows', () => {
    const [a = -1, b = -1] = ends;
    const fds = Array.from({ length: 253 }, () => a);
    expect(host.sockets.send(a, Uint8Array.of(1), 0, 1, fds)).toBe(1);
    host.sockets.receive(b, new Uint8Array(1), 0, 1);
    expect(host.sockets.received.length).toBe(253);
    expect(host.sockets.truncated).toBe(false);
    for (const fd of host.sockets.received) host.descriptors.close(fd);
    expect(host.sockets.send(a, Uint8Array.of(1), 0, 1, [...fds, a])).toBe(-EINVAL);
  });

  it('never block', () => {
    const [a = -1, b = -1] = ends;
    expect(host.sockets.receive(b, new Uint8Array(1), 0, 1)).toBe(-EAGAIN);
    let result = 0;
    while (result >= 0) result = host.sockets.send(a, new Uint8Array(1000), 0, 1000, []);
    expect(result).toBe(-EAGAIN);
    expect(host.sockets.send(a, Uint8Array.of(1), 0, 1, [9999])).toBe(-EBADF);
  });

  it('see the end when the other side is gone', () => {
    const [a = -1, b = -1] = ends;
    host.sockets.shutdown(a, 1);
    expect(host.sockets.receive(b, new Uint8Array(1), 0, 1)).toBe(0);
  });

  it('listen and connect by address', () => {
    const address = Uint8Array.from([1, 0, 0, ...Buffer.from(`host-test-${process.pid}`)]);
    const listener = host.sockets.socket(AF_UNIX, 1, 0);
    expect(host.sockets.bind(listener, address)).toBe(0);
    expect(host.sockets.listen(listener, 1)).toBe(0);
    const name = new Uint8Array(110);
    expect(host.sockets.localAddress(listener, name)).toBe(address.length);
    const client = host.sockets.socket(AF_UNIX, 1, 0);
    expect(host.sockets.connect(client, address)).toBe(0);
    const server = host.sockets.accept(listener, 0);
    expect(host.sockets.getOption(server, 1, 3)).toBe(1);
    expect(host.sockets.setOption(server, 1, 9, 1)).toBe(0);
    for (const fd of [listener, client, server]) host.descriptors.close(fd);
  });
});

describe('calls for applications', () => {
  it('make pairs and pipes, and send descriptors', () => {
    const [ours, theirs] = makeSocketPair();
    const [read, write] = makePipe();
    expect(sendDescriptors(ours, Uint8Array.of(5, 6), [read])).toBe(2);
    expect(host.sockets.receive(theirs, new Uint8Array(4), 0, 4)).toBe(2);
    expect(host.sockets.received.length).toBe(1);
    for (const fd of [ours, theirs, read, write, ...host.sockets.received]) host.descriptors.close(fd);
  });

  it('throw an error with a code', () => {
    expect(() => sendDescriptors(9999, Uint8Array.of(1), [])).toThrow(HostCallError);
    expect(() => sendDescriptors(9999, Uint8Array.of(1), [])).toThrow('sendmsg: EBADF');
  });
});
