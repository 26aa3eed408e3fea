import { EAGAIN, ECONNREFUSED, EINPROGRESS, EINVAL, EPERM } from '@sandbox-kernel/abi';
import { DATA, openHost } from '@sandbox-kernel/host';
import { describe, expect, it } from 'vitest';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const { inet } = openHost();

/** struct sockaddr_in of 127.0.0.1. */
function loopback(port: number): Uint8Array {
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
}

function boundPort(fd: number): number {
  expect(inet.localAddress(fd)).toBe(0);
  expect(inet.peerLength).toBe(16);
  return ((inet.peer[2] ?? 0) << 8) | (inet.peer[3] ?? 0);
}

function listener(): { fd: number; port: number } {
  const fd = inet.open(AF_INET, SOCK_STREAM, 0);
  expect(inet.bind(fd, loopback(0))).toBe(0);
  expect(inet.listen(fd, 8)).toBe(0);
  return { fd, port: boundPort(fd) };
}

/** Loopback connects in a moment, but not in the call. */
function eventually<T>(attempt: () => T, good: (value: T) => boolean): T {
  for (let i = 0; i < 100_000; i++) {
    const value = attempt();
    if (good(value)) return value;
  }
  return attempt();
}

describe('internet sockets', () => {
  it('connect without blocking, carry a stream, and see its end', () => {
    const server = listener();
    const client = inet.open(AF_INET, SOCK_STREAM, 0);
    expect([0, -EINPROGRESS]).toContain(inet.connect(client, loopback(server.port)));
    const accepted = eventually(
      () => inet.accept(server.fd),
      (fd) => fd !== -EAGAIN,
    );
    expect(inet.peerLength).toBe(16);
    expect(inet.takeError(client)).toBe(0);
    expect(inet.peerAddress(client)).toBe(0);
    expect(inet.receive(accepted, 100)).toBe(-EAGAIN);
    expect(inet.send(client, Uint8Array.of(9, 1, 2, 3), 1, 3)).toBe(3);
    expect(
      eventually(
        () => inet.receive(accepted, 100),
        (n) => n > 0,
      ),
    ).toBe(3);
    expect([...inet.bytes.subarray(DATA, DATA + 3)]).toEqual([1, 2, 3]);
    expect(inet.shutdown(client, 1)).toBe(0);
    expect(
      eventually(
        () => inet.receive(accepted, 100),
        (n) => n === 0,
      ),
    ).toBe(0);
    for (const fd of [server.fd, client, accepted]) inet.close(fd);
  });

  it('tell of a refused connection by SO_ERROR', () => {
    const { fd, port } = listener();
    inet.close(fd);
    const client = inet.open(AF_INET, SOCK_STREAM, 0);
    const now = inet.connect(client, loopback(port));
    if (now === -EINPROGRESS) {
      expect(
        eventually(
          () => inet.takeError(client),
          (e) => e !== 0,
        ),
      ).toBe(ECONNREFUSED);
    } else expect(now).toBe(-ECONNREFUSED);
    inet.close(client);
  });

  it('carry datagrams with their senders', () => {
    const a = inet.open(AF_INET, SOCK_DGRAM, 0);
    const b = inet.open(AF_INET, SOCK_DGRAM, 0);
    for (const fd of [a, b]) expect(inet.bind(fd, loopback(0))).toBe(0);
    const [from, to] = [boundPort(a), boundPort(b)];
    expect(inet.sendTo(a, Uint8Array.of(7, 8), 0, 2, loopback(to))).toBe(2);
    expect(
      eventually(
        () => inet.receiveFrom(b, 100),
        (n) => n >= 0,
      ),
    ).toBe(2);
    expect(((inet.peer[2] ?? 0) << 8) | (inet.peer[3] ?? 0)).toBe(from);
    expect([...inet.bytes.subarray(DATA, DATA + 2)]).toEqual([7, 8]);
    for (const fd of [a, b]) inet.close(fd);
  });

  it('refuse an address that is too long, and a TAP name that is', () => {
    const fd = inet.open(AF_INET, SOCK_STREAM, 0);
    expect(inet.connect(fd, new Uint8Array(29))).toBe(-EINVAL);
    inet.close(fd);
    const tap = inet.openTap('a-name-of-more-than-fifteen', 2);
    expect(tap).toBeLessThan(0);
    expect(tap).not.toBe(-EPERM);
  });
});
