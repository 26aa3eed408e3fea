// What nft(8) sets up: tables hold chains, sets and objects; chains hold rules. The engine's chain behind one of these stays the same
// object for as long as it exists, so that rules may point to it.
import type { Chain, Counter, Rule, RuleStep } from '@sandbox-kernel/netstack';
import type { MessageWriter } from '../../netlink/message.js';
import type { NftSet } from './set.js';

/** Who is pointed to by rules and elements: it can't go while `use` is not 0. */
export interface Used {
  use: number;
}

/** An expression that has been understood. */
export interface Expression {
  readonly name: string;
  readonly step: RuleStep;
  /** Writes its attributes, as a dump shows them now. */
  write(writer: MessageWriter): void;
  /** What it points to. */
  readonly uses?: readonly Used[];
  /** Chains it may lead to. */
  readonly leadsTo?: () => readonly NftChain[];
}

export class NftRule {
  readonly handle: number;
  readonly expressions: readonly Expression[];
  readonly userdata: Uint8Array | undefined;
  readonly engine: Rule;
  /** NFTA_RULE_ID of the batch that made it. */
  readonly id: number;

  constructor(
    handle: number,
    id: number,
    expressions: readonly Expression[],
    userdata: Uint8Array | undefined,
    engine: Rule,
  ) {
    this.handle = handle;
    this.id = id;
    this.expressions = expressions;
    this.userdata = userdata;
    this.engine = engine;
  }

  /** Counts it in or out of what it points to. */
  hold(by: 1 | -1): void {
    for (const { uses } of this.expressions) for (const used of uses ?? []) used.use += by;
  }
}

export interface BaseHook {
  readonly hook: number;
  readonly priority: number;
  readonly type: string;
}

export class NftChain implements Used {
  readonly table: NftTable;
  name: string;
  readonly handle: number;
  readonly base: BaseHook | null;
  readonly engine: Chain;
  readonly flags: number;
  readonly userdata: Uint8Array | undefined;
  /** Shown in dumps only if the program gave counters. */
  counted: Counter | null;
  rules: NftRule[];
  /** Jumps to it. */
  use: number;

  constructor(
    table: NftTable,
    name: string,
    handle: number,
    base: BaseHook | null,
    engine: Chain,
    flags: number,
    userdata: Uint8Array | undefined,
  ) {
    this.table = table;
    this.name = name;
    this.handle = handle;
    this.base = base;
    this.engine = engine;
    this.flags = flags;
    this.userdata = userdata;
    this.counted = null;
    this.rules = [];
    this.use = 0;
  }
}

export class NftObject implements Used {
  readonly name: string;
  readonly type: number;
  readonly handle: number;
  readonly expression: Expression;
  readonly userdata: Uint8Array | undefined;
  use: number;

  constructor(
    name: string,
    type: number,
    handle: number,
    expression: Expression,
    userdata: Uint8Array | undefined,
  ) {
    this.name = name;
    this.type = type;
    this.handle = handle;
    this.expression = expression;
    this.userdata = userdata;
    this.use = 0;
  }
}

export class NftTable {
  readonly family: number;
  readonly name: string;
  readonly handle: number;
  readonly userdata: Uint8Array | undefined;
  flags: number;
  /** Handles of what is in it. */
  nextHandle: number;
  readonly chains: Map<string, NftChain>;
  readonly sets: Map<string, NftSet>;
  readonly objects: Map<string, NftObject>;

  constructor(family: number, name: string, handle: number, flags: number, userdata: Uint8Array | undefined) {
    this.family = family;
    this.name = name;
    this.handle = handle;
    this.flags = flags;
    this.userdata = userdata;
    this.nextHandle = 1;
    this.chains = new Map();
    this.sets = new Map();
    this.objects = new Map();
  }

  get use(): number {
    return this.chains.size + this.sets.size + this.objects.size;
  }

  takeHandle(): number {
    return this.nextHandle++;
  }
}

/** Names of counters and quotas may be alike. */
export function objectKey(type: number, name: string): string {
  return `${type} ${name}`;
}
