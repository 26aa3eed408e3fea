export { address, byteLength, fileOffset, pageAddress, pageLength } from './arbitraries.js';
export { type PlatformHarness, type TestRunner, Workbench } from './conformance/harness.js';
export { platformConformance } from './conformance/platform.js';
export { FakeClock } from './fakes/clock.js';
export { ArrayGuestMemory, PAGE_READABLE, PAGE_WRITABLE } from './fakes/guest-memory.js';
export { ArrayPageStore } from './fakes/page-store.js';
export { FakeRandom } from './fakes/random.js';
export {
  type GuestScript,
  playTraps,
  ScriptedAddressSpace,
  type ScriptedCommand,
  ScriptedContext,
  type ScriptedMapping,
  ScriptedPlatform,
  type ScriptedTrap,
} from './fakes/scripted-platform.js';
export { ArraySegments } from './fakes/segments.js';
export { Code, R8, R9, R10, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP } from './guests/code.js';
