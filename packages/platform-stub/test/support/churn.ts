// A process that uses every kind of host process of a platform, without end: spaces come and go, contexts run, spin and trap.
// Descriptor 3 is the memory file, by which a test finds the stubs. Says "ready" when the platform is open; with an argument, ends
// after that many rounds and says "done".
import { writeSync } from 'node:fs';
import type { Platform } from '@sandbox-kernel/contracts';
import { openDoor, startEventWatcher } from '@sandbox-kernel/host';
import type { OpenPlatform } from './harness.js';

export function churn(open: OpenPlatform): void {
  const rounds = Number(process.argv[2] ?? Infinity);
  const events = startEventWatcher(openDoor());
  if (typeof events === 'number') throw new Error(`watcher: ${events}`);
  const platform = open({ memoryFd: 3, memoryReadOnlyFd: 3, events });
  // nop; mov $39,%eax; syscall; jmp .
  writeSync(3, Uint8Array.of(0x90, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe), 0, 10, 0);
  writeSync(1, 'ready\n');
  for (let round = 0; round < rounds; round++) oneRound(platform);
  writeSync(1, 'done\n');
  platform.close();
  events.close();
}

function oneRound(platform: Platform): void {
  const space = platform.createAddressSpace(null);
  if (space === null) throw new Error('no space');
  space.map(0x10000, 4096, -1, 0, 5, 5);
  const contexts = [0, 1, 2].map(() => {
    const context = platform.createContext();
    if (context === null) throw new Error('no context');
    context.frame.view.setUint32(context.frame.offset + 128, 0x10000, true);
    context.resume(space, 0);
    return context;
  });
  for (const _ of contexts) platform.wait(Infinity);
  for (const context of contexts) context.resume(space, 0);
  const copy = platform.createAddressSpace(space);
  for (const context of contexts) context.release();
  space.destroy();
  copy?.destroy();
}
