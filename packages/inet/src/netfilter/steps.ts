// The two kinds of steps that tables make: a condition, and something that is done.
import { type Evaluation, type RuleStep, STEP_BREAK, STEP_NEXT } from '@sandbox-kernel/netstack';

export class Condition implements RuleStep {
  readonly #holds: (look: Evaluation) => boolean;

  constructor(holds: (look: Evaluation) => boolean) {
    this.#holds = holds;
  }

  evaluate(look: Evaluation): number {
    return this.#holds(look) ? STEP_NEXT : STEP_BREAK;
  }
}

export class Effect implements RuleStep {
  readonly #act: (look: Evaluation) => number;

  /** `act` gives a STEP_* or VERDICT_*. */
  constructor(act: (look: Evaluation) => number) {
    this.#act = act;
  }

  evaluate(look: Evaluation): number {
    return this.#act(look);
  }
}
