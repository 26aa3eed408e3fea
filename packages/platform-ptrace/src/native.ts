// The native engine with the numbers of native/engine.h.
import { createRequire } from 'node:module';
import { type NativeEngine, type StubConstants, StubEngine } from '@sandbox-kernel/platform-stub';

const CONSTANTS: StubConstants = {
  counters: [
    'traps',
    'syscalls',
    'faults',
    'interrupts',
    'injectedCalls',
    'commands',
    'commandRuns',
    'threads',
    'spaces',
    'bells',
    'swallowedSignals',
    'pinned',
  ],
  fpuAreaSize: 28 * 1024,
  firstFile: 4,
  firstBlockWord: (16 * 1024) / 4,
  blockStrideWords: (16 * 1024) / 4,
  maxCommands: 256,
};

export function createEngine(): StubEngine {
  const load = createRequire(import.meta.url);
  const binding = load('@sandbox-kernel/platform-ptrace/binding') as { create(): NativeEngine };
  return new StubEngine(binding.create(), CONSTANTS);
}
