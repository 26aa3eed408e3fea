// Several sandboxes on one virtual switch: `new Switch()` in the host application, then `network: { switch, name }` for each. Members reach
// each other by address and by name, and nothing else. Frames pass through this process.
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { makeSocketPair } from '@sandbox-kernel/host';
import { FRAME_HEADER, FrameSplitter, SwitchCore, type SwitchPort } from '@sandbox-kernel/network';
import type { TapSpec } from '../control/network-messages.js';
import { optionError } from './option-checks.js';

/** A member that does not take its frames loses them beyond this many bytes. */
const MAX_WAITING = 4 << 20;
const MICROS_PER_MILLI = 1000;
const LONGEST_NAP = 60_000;

export interface SwitchOptions {
  /** Largest packet. Default 1,500. */
  readonly mtu?: number;
}

export interface SwitchMember {
  readonly name: string;
  readonly address: string;
}

export class Switch implements Disposable {
  readonly #core: SwitchCore;
  readonly #sockets = new Set<Socket>();
  readonly #started = performance.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SwitchOptions = {}) {
    const random = { next32: () => randomBytes(4).readUInt32LE(0) };
    this.#core = new SwitchCore(random, options.mtu ?? 1500);
  }

  /** Who is plugged in now. */
  get members(): SwitchMember[] {
    return this.#core.members.map(({ name, address }) => ({ name, address: `${address}` }));
  }

  /** A place for a sandbox; the descriptor in it is the sandbox's end. Throws when the name is taken. */
  plug(name: string): TapSpec {
    if (!/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name))
      throw optionError(`'${name}' is no name for a member of a switch`, 'use letters, digits and hyphens');
    const [ours, theirs] = makeSocketPair();
    const socket = new Socket({ fd: ours, readable: true, writable: true });
    const port = this.#core.plug(name, (frame) => send(socket, frame));
    if (port === null) {
      socket.destroy();
      new Socket({ fd: theirs }).destroy();
      throw optionError(
        `the switch has a '${name}' already, or is full`,
        'give each sandbox a name of its own',
      );
    }
    this.#attach(socket, port);
    return {
      name,
      fd: theirs,
      addresses: [`${port.address}/${this.#core.prefixLength}`],
      gateways: [],
      nameServers: [`${this.#core.gateway}`],
      mac: port.mac,
    };
  }

  /** Unplugs everybody. */
  close(): void {
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

function send(socket: Socket, frame: Uint8Array): void {
  if (socket.writableLength > MAX_WAITING || socket.destroyed) return;
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + frame.length);
  bytes.writeUInt32LE(frame.length, 0);
  bytes.set(frame, FRAME_HEADER);
  socket.write(bytes);
}
