// How late timers come, natively and in the sandbox: nanoseconds between a deadline and the moment at which the program goes on. The
// host's own lateness is the yardstick: what is left of it is the machine's.
import type { Benchmark } from '../benchmark.js';

const KINDS = ['nanosleep', 'timerfd', 'posix', 'itimer'] as const;
const STEPS = { '200us': 200_000, '1ms': 1_000_000 } as const;
const PERCENTILES = { median: 50, p99: 99 } as const;

export const TIME: readonly Benchmark[] = KINDS.flatMap((kind) =>
  Object.entries(STEPS).flatMap(([step, nanos]) =>
    Object.entries(PERCENTILES).map(
      ([name, percentile]): Benchmark => ({
        name: `time/${kind}/${step}/${name}`,
        timing: 'self',
        command: (world) => [world.guest, 'timer', `${kind},${nanos},${percentile}`],
      }),
    ),
  ),
);
