// The native engine with the numbers of native/engine.h and native/layout.h, and the stub's executable in its page.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type NativeEngine, type StubConstants, StubEngine } from '@sandbox-kernel/platform-stub';

/** Where `open` finds the stub's executable. */
const STUB_AREA = 4096;

const CONSTANTS: StubConstants = {
  counters: [
    'traps',
    'syscalls',
    'faults',
    'interrupts',
    'commands',
    'batches',
    'threads',
    'spaces',
    'sleeps',
    'spins',
    'wakes',
    'swallowedSignals',
    'modeChanges',
    'deferred',
    'patched',
    'trapped',
    'spills',
    'sampled',
    'nanosBack',
    'nanosGuest',
    'nanosThere',
    'nanosInside',
  ],
  fpuAreaSize: 12 * 1024,
  firstFile: 6,
  firstBlockWord: (65536 + 4096) / 4,
  blockStrideWords: 32768 / 4,
  maxCommands: 256,
};

export function createEngine(): StubEngine {
  const load = createRequire(import.meta.url);
  const binding = load('@sandbox-kernel/platform-systrap/binding') as {
    readonly folder: string;
    create(): NativeEngine;
  };
  const engine = new StubEngine(binding.create(), CONSTANTS);
  const stub = readFileSync(join(binding.folder, 'systrap_stub'));
  if (stub.length > engine.bytes.length - STUB_AREA) throw new Error('the stub is larger than its area');
  engine.bytes.set(stub, STUB_AREA);
  engine.args[2] = stub.length;
  return engine;
}
