// Bytes of JavaScript heap that a segment costs in steady state, over loopback, for payloads of three sizes. Run as a program
// with --expose-gc and a young generation larger than a batch, so that nothing is collected while it counts; prints JSON.
import { LOOPBACK_V4, Stack, Tcp, TcpEndpoint } from '../../src/index.js';
import { SeededRandom } from './random.js';

const SEGMENTS = 100_000;
const BATCH = 1000;
const WARM_UP = 100_000;
const START = 1e12;
const collect = (globalThis as unknown as { gc: () => void }).gc;

/**
 * The times of a batch, made before it is measured: they are the caller's garbage, not the stack's. The clock has run for days, so
 * that microseconds are no small integers.
 */
class Clock {
  /** Holds boxes, not doubles: its first element was no number. */
  readonly values: (number | null)[] = [null];
  private now = START;

  advance(): void {
    for (let i = 0; i < BATCH; i++) {
      this.now += 10;
      this.values[i] = this.now;
    }
  }
}

interface Figure {
  size: number;
  segments: number;
  bytesPerSegment: number;
  blocks: number;
}

function figureFor(size: number): Figure {
  const stack = new Stack({ random: new SeededRandom(size), now: START, loopbackMtu: 65535 });
  const tcp = new Tcp(stack.host);
  stack.register(tcp);
  const listener = new TcpEndpoint(tcp);
  listener.bind(null, 80);
  listener.listen(1);
  const a = new TcpEndpoint(tcp);
  const settings = a.settings.clone();
  settings.noDelay = true;
  a.configure(settings);
  a.connect(LOOPBACK_V4, 80);
  stack.poll(START);
  const b = listener.accept() as TcpEndpoint;
  const chunk = new Uint8Array(size).fill(9);
  const into = new Uint8Array(size);
  const times = new Clock();
  const batch = (): void => {
    for (let i = 0; i < BATCH; i++) {
      const now = times.values[i] as number;
      if (a.write(chunk, 0, size) !== size) throw new Error('the buffer is full');
      stack.poll(now);
      if (b.read(into, 0, size) !== size) throw new Error('the segment did not arrive');
      stack.poll(now);
    }
  };
  for (let i = 0; i < WARM_UP / BATCH; i++) {
    times.advance();
    batch();
  }
  const segments = tcp.counters.outSegments;
  const blocks = stack.pool.blocksMade + stack.pool.handlesMade + tcp.rings.allocations;
  const grown: number[] = [];
  for (let i = 0; i < SEGMENTS / BATCH; i++) {
    times.advance();
    collect();
    const before = process.memoryUsage().heapUsed;
    batch();
    grown.push(process.memoryUsage().heapUsed - before);
  }
  grown.sort((x, y) => x - y);
  return {
    size,
    segments: tcp.counters.outSegments - segments,
    // The median: the compiler's own garbage falls into some batches, ours would be in all.
    bytesPerSegment: (grown[grown.length >> 1] as number) / BATCH,
    blocks: stack.pool.blocksMade + stack.pool.handlesMade + tcp.rings.allocations - blocks,
  };
}

process.stdout.write(JSON.stringify([64, 1400, 65000].map(figureFor)));
