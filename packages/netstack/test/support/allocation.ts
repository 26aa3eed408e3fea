// Bytes of JavaScript heap that a segment costs in steady state, over loopback, for payloads of three sizes. Run as a program
// with --expose-gc and a young generation larger than a batch, so that nothing is collected while it counts; prints JSON.
import { LOOPBACK_V4, Stack, Tcp, TcpEndpoint } from '../../src/index.js';
import { SeededRandom } from './random.js';

const SEGMENTS = 100_000;
const BATCH = 1000;
const collect = (globalThis as unknown as { gc: () => void }).gc;

interface Figure {
  size: number;
  segments: number;
  bytesPerSegment: number;
  blocks: number;
}

function figureFor(size: number): Figure {
  const stack = new Stack({ random: new SeededRandom(size), loopbackMtu: 65535 });
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
  let now = 1000;
  stack.poll(now);
  const b = listener.accept() as TcpEndpoint;
  const chunk = new Uint8Array(size).fill(9);
  const into = new Uint8Array(size);
  const batch = (): void => {
    for (let i = 0; i < BATCH; i++) {
      if (a.write(chunk, 0, size) !== size) throw new Error('the buffer is full');
      now += 10;
      stack.poll(now);
      if (b.read(into, 0, size) !== size) throw new Error('the segment did not arrive');
      stack.poll(now);
    }
  };
  for (let i = 0; i < 20; i++) batch();
  const segments = tcp.counters.outSegments;
  const blocks = stack.pool.blocksMade + stack.pool.handlesMade + tcp.rings.allocations;
  let grown = 0;
  for (let i = 0; i < SEGMENTS / BATCH; i++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    batch();
    grown += process.memoryUsage().heapUsed - before;
  }
  return {
    size,
    segments: tcp.counters.outSegments - segments,
    bytesPerSegment: grown / SEGMENTS,
    blocks: stack.pool.blocksMade + stack.pool.handlesMade + tcp.rings.allocations - blocks,
  };
}

process.stdout.write(JSON.stringify([64, 1400, 65000].map(figureFor)));
