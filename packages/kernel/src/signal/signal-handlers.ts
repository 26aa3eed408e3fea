// Dispositions (sigaction(2)), shared by threads and by CLONE_SIGHAND.
import { NSIG, SIG_DFL, SIG_IGN } from '@sandbox-kernel/abi';
import { ACTION_IGNORE, defaultAction } from './default-action.js';
import { SignalSet } from './signal-set.js';

export class SignalAction {
  /** SIG_DFL, SIG_IGN or an address. */
  handler: number;
  /** SA_*, low 32 bits, unsigned. */
  flags: number;
  restorer: number;
  readonly mask: SignalSet;

  constructor() {
    this.handler = SIG_DFL;
    this.flags = 0;
    this.restorer = 0;
    this.mask = new SignalSet();
  }

  copy(from: SignalAction): void {
    this.handler = from.handler;
    this.flags = from.flags;
    this.restorer = from.restorer;
    this.mask.copy(from.mask);
  }

  reset(): void {
    this.handler = SIG_DFL;
    this.flags = 0;
    this.restorer = 0;
    this.mask.clear();
  }
}

export class SignalHandlers {
  readonly actions: SignalAction[];
  users: number;

  constructor(from: SignalHandlers | null) {
    this.actions = [];
    this.users = 1;
    for (let signal = 0; signal <= NSIG; signal++) {
      const action = new SignalAction();
      if (from !== null) action.copy(from.actions[signal]!);
      this.actions.push(action);
    }
  }

  get(signal: number): SignalAction {
    return this.actions[signal]!;
  }

  /** Ignored on arrival: by choice, or by default. */
  ignores(signal: number): boolean {
    const handler = this.actions[signal]!.handler;
    return handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signal) === ACTION_IGNORE);
  }

  catches(signal: number): boolean {
    const handler = this.actions[signal]!.handler;
    return handler !== SIG_IGN && handler !== SIG_DFL;
  }

  /** execve: handlers go, ignored signals stay ignored. CLONE_CLEAR_SIGHAND: the same. */
  resetCaught(): void {
    for (const action of this.actions) {
      const ignored = action.handler === SIG_IGN;
      action.reset();
      if (ignored) action.handler = SIG_IGN;
    }
  }
}
