// Puts this process under a seccomp filter and tries a platform. Arguments: errno and call number, in pairs; such calls fail.
import { openHost, startEventWatcher } from '@sandbox-kernel/host';
import { type Refusal, refuseCalls } from '../../../host/test/support/refuse.js';
import type { OpenPlatform } from './harness.js';

function refusals(pairs: readonly string[]): Refusal[] {
  const list: Refusal[] = [];
  for (let i = 0; i < pairs.length; i += 2)
    list.push({ errno: Number(pairs[i]), number: Number(pairs[i + 1]) });
  return list;
}

export function tryRestricted(open: OpenPlatform): void {
  const host = openHost();
  const installed = refuseCalls(host, refusals(process.argv.slice(2)));
  if (installed !== 0) throw new Error(`seccomp: ${installed}`);
  const events = startEventWatcher(host.door);
  if (typeof events === 'number') throw new Error(`watcher: ${events}`);
  const memory = host.descriptors.memfd('test', 0);
  host.descriptors.truncate(memory, 1 << 20);
  try {
    const platform = open({ memoryFd: memory, memoryReadOnlyFd: memory, events });
    host.transfer.write(memory, Uint8Array.of(0xb8, 39, 0, 0, 0, 0x0f, 0x05), 0, 7, 0);
    const space = platform.createAddressSpace(null);
    const context = platform.createContext();
    if (space === null || context === null) throw new Error('out of resources');
    space.map(0x10000, 4096, -1, 0, 5, 5);
    context.frame.view.setUint32(context.frame.offset + 128, 0x10000, true);
    context.resume(space, 0);
    const id = platform.wait(Infinity);
    console.log(`trap of ${id}: ${context.frame.view.getUint32(context.frame.offset + 104, true)}`);
    platform.close();
  } catch (error) {
    console.log(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown');
  }
  events.close();
}
