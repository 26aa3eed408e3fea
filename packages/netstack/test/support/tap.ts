// A stack whose peer is the Linux kernel: a TAP device in a network namespace made for the test. Real time, real kernel.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LinkDevice } from '../../src/link/device.js';
import { ExternalDevice, type FrameOutput } from '../../src/link/external-device.js';
import { VirtioNetDevice } from '../../src/link/virtio-net-device.js';
import { Stack } from '../../src/stack.js';
import type { PacketBuffer } from '../../src/storage/packet-buffer.js';
import { SeededRandom } from './random.js';

const HELPER = fileURLToPath(new URL('./tap.py', import.meta.url));

/** Why TAP tests can't run here; null when they can. */
export function tapMissing(): string | null {
  if (process.getuid?.() !== 0) return 'not root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    execFileSync('unshare', ['-n', 'python3', '-c', 'open("/dev/net/tun")'], { stdio: 'ignore' });
    readFileSync('/proc/sys/net/ipv4/ip_forward');
    execFileSync('ip', ['-V'], { stdio: 'ignore' });
  } catch (error) {
    return String(error).split('\n')[0] as string;
  }
  return null;
}

export function hasProgram(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface TapOptions {
  /** Frames with virtio-net headers, checksum and TSO offload. */
  readonly virtio?: boolean;
  /** Shell commands run in the namespace once the device is there; it is called tap0. */
  readonly commands?: readonly string[];
  /** Something to put around the device: a capture. */
  readonly wrap?: (device: LinkDevice) => LinkDevice;
}

export class TapStack implements FrameOutput {
  readonly stack: Stack;
  readonly device: LinkDevice;
  readonly port: ExternalDevice | VirtioNetDevice;
  private readonly child: ChildProcess;
  private readonly started: bigint;
  private pending: Buffer;
  private timer: NodeJS.Timeout | null;
  private pid: number;
  private outgoing: Uint8Array[];
  private ready: () => void;

  private constructor(child: ChildProcess, options: TapOptions, ready: () => void) {
    this.child = child;
    this.started = process.hrtime.bigint();
    this.pending = Buffer.alloc(0);
    this.timer = null;
    this.pid = 0;
    this.outgoing = [];
    this.ready = ready;
    this.stack = new Stack({ random: new SeededRandom(Number(this.started % 1000000n)) });
    this.port =
      options.virtio === true ? new VirtioNetDevice({ output: this }) : new ExternalDevice({ output: this });
    this.device = options.wrap?.(this.port) ?? this.port;
    child.stdout?.on('data', (chunk: Buffer) => this.received(chunk));
    child.stdin?.on('error', () => undefined);
  }

  static async open(options: TapOptions = {}): Promise<TapStack> {
    const setUp = ['ip link set lo up', 'ip link set tap0 up', ...(options.commands ?? [])];
    const args = ['-n', 'python3', HELPER, 'tap0', options.virtio === true ? '1' : '0', ...setUp];
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the TAP process ended with ${code}`)));
      const tap: TapStack = new TapStack(child, options, () => resolve(tap));
    });
  }

  frameOut(packet: PacketBuffer): number {
    const frame = new Uint8Array(3 + packet.length);
    frame[0] = packet.length >>> 16;
    frame[1] = (packet.length >>> 8) & 255;
    frame[2] = packet.length & 255;
    packet.copyTo(frame, 3);
    packet.release();
    this.outgoing.push(frame);
    return 0;
  }

  /** Runs a program in the namespace; resolves with what it wrote and its exit code. */
  run(file: string, args: readonly string[], input?: string): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      const argv = ['-t', String(this.pid), '-n', file, ...args];
      const child = execFile(
        'nsenter',
        argv,
        { timeout: 50_000, maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ code, output: stdout + stderr });
        },
      );
      // A program that ends without reading its input is none of our business.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input ?? '');
    });
  }

  /** To be called after using the stack from outside: lets it do its work. */
  kick(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const next = this.stack.poll(this.now());
    this.flush();
    if (next === Number.POSITIVE_INFINITY) return;
    const delay = Math.max(0, Math.ceil((next - this.now()) / 1000));
    this.timer = setTimeout(() => this.kick(), Math.min(delay, 1_000_000));
  }

  now(): number {
    return Number((process.hrtime.bigint() - this.started) / 1000n);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.child.removeAllListeners('exit');
    this.child.stdin?.end();
  }

  private flush(): void {
    if (this.outgoing.length === 0) return;
    this.child.stdin?.write(Buffer.concat(this.outgoing));
    this.outgoing = [];
  }

  private received(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    this.stack.setTime(this.now());
    let at = 0;
    while (this.pending.length - at >= 3) {
      const size = this.pending.readUIntBE(at, 3);
      if (this.pending.length - at - 3 < size) break;
      this.message(this.pending.subarray(at + 3, at + 3 + size));
      at += 3 + size;
    }
    this.pending = this.pending.subarray(at);
    this.kick();
  }

  private message(frame: Buffer): void {
    if (this.pid === 0) {
      this.pid = frame.readUInt32BE(0);
      this.ready();
    } else this.port.receive(this.stack.pool.copyOf(frame));
  }
}
