// The systrap platform: guest threads run under a seccomp filter whose default is a signal, and hand over through shared memory. See
// native/engine.h for the processes behind it. All calls from the thread that opened it.
import {
  type HostEvents,
  type PlatformFeatures,
  WAIT_DEADLINE,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';
import { type StubEngine, StubPlatform, WAIT_BELL, WAIT_NOTHING } from '@sandbox-kernel/platform-stub';

export class SystrapPlatform extends StubPlatform {
  /** Pre: `engine` is open. */
  constructor(engine: StubEngine, features: PlatformFeatures, events: HostEvents) {
    super('systrap', engine, features, events);
  }

  protected override waitForGuest(deadline: number): number {
    const { args, native } = this.engine;
    args[0] = deadline === Infinity ? -1 : Math.max(Math.ceil(deadline), 0);
    for (;;) {
      const result = native.wait();
      if (result !== WAIT_BELL && result !== WAIT_NOTHING) return result;
      if (this.events.pending()) return WAIT_HOST_EVENT;
      if (result === WAIT_NOTHING) return WAIT_DEADLINE;
    }
  }
}
