// Several sandboxes on one virtual switch: `new Switch()` in the host application, then `network: { switch, name }` for each. Members reach
// each other by address and by name, and nothing else. Frames pass through this process.
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { Socket } from 'node:net';
import { makeSocketPair } from '@sandbox-kernel/host';
import { FRAME_HEADER, FrameSplitter, SwitchCore, type SwitchPort } from '@sandbox-kernel/network';
import { SeededRandom } from '../boot/seeded-random.js';
import type { TapSpec } from '../control/network-messages.js';
import { optionError } from './option-checks.js';
import { openSwitchDoor, type SwitchPlace } from './switch-door.js';

/** A member that does not take its frames loses them beyond this many bytes. */
const MAX_WAITING = 4 << 20;
const MICROS_PER_MILLI = 1000;
const LONGEST_NAP = 60_000;

export interface SwitchOptions {
  /** Largest packet. Default 1,500. */
  readonly mtu?: number;
  /** Makes all its randomness follow from this number, as a sandbox's `seed`. */
  readonly seed?: number;
}

export interface SwitchMember {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
}

const MEMBER_NAME = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

export class Switch implements Disposable {
  readonly #core: SwitchCore;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  readonly #started = performance.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SwitchOptions = {}) {
    const { mtu = 1500, seed } = options;
    this.#core = new SwitchCore(numbersOf(seed), mtu);
  }

  /** Who is plugged in now. */
  get members(): SwitchMember[] {
    return this.#core.members.map(({ name, address, address6 }) => ({
      name,
      address: `${address}`,
      address6: `${address6}`,
    }));
  }

  /** A place for a sandbox; the descriptor in it is the sandbox's end. Throws when the name is taken. */
  plug(name: string): TapSpec {
    if (!MEMBER_NAME.test(name))
      throw optionError(`'${name}' is no name for a member of a switch`, 'use letters, digits and hyphens');
    const [ours, theirs] = makeSocketPair();
    const socket = new Socket({ fd: ours, readable: true, writable: true });
    const place = this.#place(name, socket);
    if (place !== null) return { ...place, fd: theirs };
    socket.destroy();
    new Socket({ fd: theirs }).destroy();
    throw optionError(
      `the switch has a '${name}' already, or is full`,
      'give each sandbox a name of its own',
    );
  }

  /**
   * Lets sandboxes of other processes in, by a unix socket at `path` that the user of this process alone may open. Resolves when it
   * is there; the path goes with `close`.
   */
  async listen(path: string): Promise<void> {
    const server = await openSwitchDoor(path, (name, socket) => this.#place(name, socket));
    this.#servers.push(server);
  }

  /** Plugs a stream in; null when the name is taken, is none, or there is no room. */
  #place(name: string, socket: Socket): SwitchPlace | null {
    if (!MEMBER_NAME.test(name)) return null;
    const port = this.#core.plug(name, (frame) => send(socket, frame));
    if (port === null) return null;
    this.#attach(socket, port);
    const { prefixLength, prefixLength6, gateway, gateway6 } = this.#core;
    return {
      name,
      addresses: [`${port.address}/${prefixLength}`, `${port.address6}/${prefixLength6}`],
      gateways: [],
      nameServers: [`${gateway}`, `${gateway6}`],
      mac: port.mac,
    };
  }

  /** Unplugs everybody. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #attach(socket: Socket, port: SwitchPort): void {
    const splitter = new FrameSplitter();
    this.#sockets.add(socket);
    socket.unref();
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#core.unplug(port);
    });
    socket.on('data', (bytes) => {
      if (!splitter.push(bytes)) {
        socket.destroy();
        return;
      }
      for (let frame = splitter.next(); frame !== null; frame = splitter.next())
        this.#core.frameIn(port, frame);
      this.#run();
    });
  }

  #run(): void {
    const now = Math.floor((performance.now() - this.#started) * MICROS_PER_MILLI);
    const due = this.#core.poll(now);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max((due - now) / MICROS_PER_MILLI, 1), LONGEST_NAP);
    this.#timer = setTimeout(() => this.#run(), wait);
    this.#timer.unref();
  }
}

/** 32-bit numbers: out of a seed, or the host's. */
function numbersOf(seed: number | undefined): { next32(): number } {
  if (seed === undefined) return { next32: () => randomBytes(4).readUInt32LE(0) };
  const source = new SeededRandom(seed);
  const word = Buffer.alloc(4);
  return {
    next32: () => {
      source.fill(word, 0, 4);
      return word.readUInt32LE(0);
    },
  };
}

function send(socket: Socket, frame: Uint8Array): void {
  if (socket.writableLength > MAX_WAITING || socket.destroyed) return;
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + frame.length);
  bytes.writeUInt32LE(frame.length, 0);
  bytes.set(frame, FRAME_HEADER);
  socket.write(bytes);
}
