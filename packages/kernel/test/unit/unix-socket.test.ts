import {
  AF_UNIX,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOENT,
  ENOTCONN,
  EPIPE,
  EPROTOTYPE,
  MSG_PEEK,
  MSG_TRUNC,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import { openSocket, SocketMessage, type Task, type UnixSocket } from '@sandbox-kernel/kernel';
import { ByteSegments, type FileDescription } from '@sandbox-kernel/vfs';
import { beforeEach, describe, expect, test } from 'vitest';
import { fork } from '../support/calls.js';
import { Machine } from '../support/machine.js';

let machine: Machine;
let task: Task;

beforeEach(() => {
  machine = new Machine();
  task = fork(machine, machine.init);
  machine.kernel.current = task;
});

const family = () => machine.kernel.socketFamilies.get(AF_UNIX)!;
const make = (type = SOCK_STREAM): UnixSocket => {
  const socket = family().create(task, type, 0) as UnixSocket;
  openSocket(task, socket, 0);
  return socket;
};
const pair = (type = SOCK_STREAM): [UnixSocket, UnixSocket] => {
  const [one, other] = family().createPair(task, type, 0) as unknown as [UnixSocket, UnixSocket];
  openSocket(task, one, 0);
  openSocket(task, other, 0);
  return [one, other];
};
const address = (name: string): Uint8Array =>
  Uint8Array.of(1, 0, ...[...name].map((char) => char.charCodeAt(0)));

function send(socket: UnixSocket, text: string, more: Partial<SocketMessage> = {}): number {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const message = Object.assign(new SocketMessage(), more);
  message.io = new ByteSegments().add(bytes, 0, bytes.length);
  return socket.send(task, message);
}

function receive(
  socket: UnixSocket,
  length = 10_000,
  flags = 0,
): { result: number; text: string; message: SocketMessage } {
  const bytes = new Uint8Array(length);
  const message = new SocketMessage();
  message.io = new ByteSegments().add(bytes, 0, length);
  message.flags = flags;
  const result = socket.receive(task, message);
  return { result, text: String.fromCharCode(...bytes.subarray(0, Math.max(message.done, 0))), message };
}

describe('stream', () => {
  test('bytes come in order without borders; peeking leaves them', () => {
    const [one, other] = pair();
    send(one, 'ab');
    send(one, 'cd');
    expect(receive(other, 3, MSG_PEEK).text).toBe('abc');
    expect(receive(other, 3).text).toBe('abc');
    expect(receive(other).text).toBe('d');
    expect(receive(other).result).toBe(-EAGAIN);
  });

  test('a full buffer takes part of a write, and reading makes room', () => {
    const [one, other] = pair();
    // The least that SO_SNDBUF gives: two messages of 2,240 bytes, which count for 4,352 each.
    one.sendBuffer = 4608;
    expect(send(one, 'x'.repeat(10_000))).toBe(4480);
    expect(one.outstanding).toBe(8704);
    expect(send(one, 'y')).toBe(-EAGAIN);
    expect(one.events() & POLLOUT).toBe(0);
    expect(receive(other).text.length).toBe(4480);
    expect(one.events() & POLLOUT).toBe(POLLOUT);
    expect(send(one, 'y')).toBe(1);
  });

  test('the end comes after the data; writing then is EPIPE', () => {
    const [one, other] = pair();
    send(one, 'last');
    one.file!.release();
    expect(other.events() & (POLLIN | POLLHUP | POLLRDHUP)).toBe(POLLIN | POLLHUP | POLLRDHUP);
    expect(receive(other).text).toBe('last');
    expect(receive(other).result).toBe(0);
    expect(send(other, 'x')).toBe(-EPIPE);
  });

  test('closing with unread data resets the peer', () => {
    const [one, other] = pair();
    send(one, 'unread');
    other.file!.release();
    expect(receive(one).result).toBe(-ECONNRESET);
    expect(receive(one).result).toBe(0);
  });

  test('shutdown of writing ends the other side only', () => {
    const [one, other] = pair();
    one.shutdown(SHUT_WR);
    expect(send(one, 'x')).toBe(-EPIPE);
    expect(receive(other).result).toBe(0);
    expect(send(other, 'back')).toBe(4);
    expect(receive(one).text).toBe('back');
  });

  test('listen, connect and accept; the backlog fills; names are told', () => {
    const listener = make();
    expect(listener.bind(task, address('\0service'))).toBe(0);
    expect(make().bind(task, address('\0service'))).toBe(-EADDRINUSE);
    const early = make();
    expect(early.connect(task, address('\0service'))).toBe(-ECONNREFUSED);
    expect(listener.listen(task, 0)).toBe(0);
    expect(early.connect(task, address('\0service'))).toBe(0);
    expect(early.connect(task, address('\0service'))).toBe(-EISCONN);
    expect(make().connect(task, address('\0service'))).toBe(-EAGAIN);
    const server = listener.accept() as UnixSocket;
    send(early, 'hello');
    expect(receive(server).text).toBe('hello');
    expect(server.name()).toEqual(address('\0service'));
    expect(early.peerName()).toEqual(address('\0service'));
    expect(server.peerName()).toEqual(Uint8Array.of(1, 0));
    expect(listener.accept()).toBe(-EAGAIN);
    // Abstract names of different socket types don't meet.
    expect(make(SOCK_DGRAM).connect(task, address('\0service'))).toBe(-ECONNREFUSED);
  });

  test('a listener that closes resets those it did not accept', () => {
    const listener = make();
    listener.bind(task, address('\0x'));
    listener.listen(task, 5);
    const client = make();
    client.connect(task, address('\0x'));
    listener.file!.release();
    expect(receive(client).result).toBe(-ECONNRESET);
  });

  test('pathnames are files of the filesystem and go on existing after the socket', () => {
    const listener = make();
    expect(listener.bind(task, address('/sock'))).toBe(0);
    listener.listen(task, 1);
    const client = make();
    expect(client.connect(task, address('/missing'))).toBe(-ENOENT);
    expect(make(SOCK_DGRAM).connect(task, address('/sock'))).toBe(-EPROTOTYPE);
    expect(client.connect(task, address('/sock'))).toBe(0);
    listener.file!.release();
    expect(make().connect(task, address('/sock'))).toBe(-ECONNREFUSED);
    expect(make().bind(task, address('/sock'))).toBe(-EADDRINUSE);
  });

  test('binding without a name picks one of five digits', () => {
    const socket = make();
    expect(socket.bind(task, Uint8Array.of(1, 0))).toBe(0);
    expect(socket.name()).toEqual(address('\x0000000'));
    expect(socket.bind(task, address('\0other'))).toBe(-EINVAL);
  });
});

describe('packets', () => {
  test('datagrams keep their borders, their senders, and are cut with MSG_TRUNC', () => {
    const receiver = make(SOCK_DGRAM);
    receiver.bind(task, address('\0in'));
    const sender = make(SOCK_DGRAM);
    sender.bind(task, address('\0out'));
    expect(send(sender, 'x')).toBe(-ENOTCONN);
    expect(send(sender, 'first', { address: address('\0in') })).toBe(5);
    expect(send(sender, 'second', { address: address('\0in') })).toBe(6);
    const cut = receive(receiver, 3);
    expect([cut.text, cut.message.outFlags & MSG_TRUNC]).toEqual(['fir', MSG_TRUNC]);
    expect(cut.message.address).toEqual(address('\0out'));
    expect(receive(receiver).text).toBe('second');
    expect(send(sender, 'x', { address: address('\0nobody') })).toBe(-ECONNREFUSED);
  });

  test('a packet larger than the buffer is EMSGSIZE', () => {
    const [one] = pair(SOCK_DGRAM);
    one.sendBuffer = 5000;
    expect(send(one, 'x'.repeat(5000))).toBe(-EMSGSIZE);
  });

  test('sequenced packets are connected and keep borders; an empty one is not the end', () => {
    const [one, other] = pair(SOCK_SEQPACKET);
    send(one, '');
    send(one, 'ab');
    expect(receive(other).result).toBe(0);
    expect(receive(other).text).toBe('ab');
    expect(receive(other).result).toBe(-EAGAIN);
  });
});

describe('descriptors and credentials', () => {
  const pass = (from: UnixSocket, file: FileDescription): number =>
    send(from, 'f', { files: [file.retain()] });

  test('descriptors travel with their bytes and end a read', () => {
    const [one, other] = pair();
    const [passed] = pair();
    send(one, 'a');
    pass(one, passed.file!);
    send(one, 'b');
    const carried = receive(other);
    expect([carried.text, carried.message.files]).toEqual(['af', [passed.file]]);
    expect(receive(other).text).toBe('b');
    expect(machine.kernel.inFlight.size).toBe(0);
  });

  test('credentials of the sender come along', () => {
    const [one, other] = pair();
    send(one, 'x');
    expect(receive(other).message.credentials).toEqual({ pid: task.group.pid, uid: 0, gid: 0 });
  });

  test('what is not read is released with the socket', () => {
    const [one, other] = pair();
    const [passed] = pair();
    const file = passed.file!;
    pass(one, file);
    expect(file.refs).toBe(2);
    other.file!.release();
    expect(file.refs).toBe(1);
  });

  test('a socket sent over itself is collected when its last descriptor closes', () => {
    const [one, other] = pair();
    pass(one, one.file!);
    pass(one, other.file!);
    one.file!.release();
    expect(one.closed).toBe(false);
    other.file!.release();
    const [trigger] = pair();
    trigger.file!.release();
    expect([one.closed, other.closed]).toEqual([true, true]);
    expect(machine.kernel.inFlight.size).toBe(0);
  });

  test('a socket in flight in a queue that somebody holds is kept', () => {
    const [one, other] = pair();
    const [inner, innerPeer] = pair();
    pass(one, inner.file!);
    inner.file!.release();
    pass(innerPeer, innerPeer.file!);
    const [trigger] = pair();
    trigger.file!.release();
    expect(inner.closed).toBe(false);
    const carried = receive(other);
    expect(carried.message.files).toEqual([inner.file]);
    expect(receive(inner).text).toBe('f');
  });
});
