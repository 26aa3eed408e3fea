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

  /** Differs from what every process starts with. */
  get isSet(): boolean {
    return this.handler !== SIG_DFL || this.flags !== 0 || this.restorer !== 0 || !this.mask.isEmpty();
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

/** Most programs set few: an action exists once somebody asks for it. */
export class SignalHandlers {
  private readonly actions: (SignalAction | null)[];
  users: number;

  constructor(from: SignalHandlers | null) {
    this.actions = new Array(NSIG + 1).fill(null);
    this.users = 1;
    if (from === null) return;
    for (let signal = 1; signal <= NSIG; signal++) {
      const action = from.actions[signal]!;
      if (action?.isSet) this.get(signal).copy(action);
    }
  }

  /** Pre: 1 … NSIG. */
  get(signal: number): SignalAction {
    let action = this.actions[signal]!;
    if (action === null) {
      action = new SignalAction();
      this.actions[signal] = action;
    }
    return action;
  }

  /** SIG_DFL, SIG_IGN or an address. */
  handlerOf(signal: number): number {
    const action = this.actions[signal]!;
    return action === null ? SIG_DFL : action.handler;
  }

  /** Ignored on arrival: by choice, or by default. */
  ignores(signal: number): boolean {
    const handler = this.handlerOf(signal);
    return handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signal) === ACTION_IGNORE);
  }

  catches(signal: number): boolean {
    const handler = this.handlerOf(signal);
    return handler !== SIG_IGN && handler !== SIG_DFL;
  }

  /** execve: handlers go, ignored signals stay ignored. CLONE_CLEAR_SIGHAND: the same. */
  resetCaught(): void {
    for (const action of this.actions) {
      if (action === null) continue;
      const ignored = action.handler === SIG_IGN;
      action.reset();
      if (ignored) action.handler = SIG_IGN;
    }
  }
}
