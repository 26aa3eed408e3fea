// One batch of changes (nfnetlink): each is made at once and remembered with its opposite, so that a batch with a mistake leaves nothing
// behind. No packet passes while a batch is worked on. What the engine runs is renewed when the batch is taken.
import { EMLINK, NFNL_SUBSYS_NFTABLES, NLM_F_ECHO } from '@sandbox-kernel/abi';
import { MessageWriter, type NetlinkRequest } from '../../netlink/message.js';
import type { Attributes } from './attributes.js';
import type { BatchNames } from './context.js';
import type { NftChain, NftTable } from './model.js';
import type { NfTables } from './nf-tables.js';
import type { NftSet } from './set.js';

/** A change that is asked for. */
export interface Change {
  readonly request: NetlinkRequest;
  readonly family: number;
  readonly attributes: Attributes;
  /** NLM_F_*. */
  readonly flags: number;
}

/** What is told to listeners and to programs that want an echo. */
interface Notice {
  readonly bytes: Uint8Array;
  readonly echo: boolean;
}

/** Chains that call chains: no deeper (NFT_JUMP_STACK_SIZE). */
const MOST_DEPTH = 16;

export class Batch implements BatchNames {
  readonly tables: NfTables;
  readonly port: number;
  readonly notices: Notice[];
  readonly dirty: Set<NftChain>;
  /** The attribute that is to blame for the last error. */
  blamed: Uint8Array | null;
  private readonly undo: (() => void)[];
  private readonly chainIds: Map<number, NftChain>;
  private readonly setIds: Map<number, NftSet>;

  constructor(tables: NfTables, port: number) {
    this.tables = tables;
    this.port = port;
    this.notices = [];
    this.dirty = new Set();
    this.blamed = null;
    this.undo = [];
    this.chainIds = new Map();
    this.setIds = new Map();
  }

  /** Something has been changed; `back` changes it back. */
  done(back: () => void): void {
    this.undo.push(back);
  }

  abort(): void {
    for (let back = this.undo.pop(); back !== undefined; back = this.undo.pop()) back();
  }

  get isEmpty(): boolean {
    return this.undo.length === 0;
  }

  /** Makes the engine run what the chains hold now. */
  commit(): void {
    for (const chain of this.dirty) chain.engine.rules = chain.rules.map((rule) => rule.engine);
  }

  /** Says which attribute an error is about. */
  fail(error: number, change: Change, type: number): number {
    this.blamed = change.attributes.get(type) ?? null;
    return error;
  }

  nameChain(id: number, chain: NftChain): void {
    this.chainIds.set(id, chain);
  }

  nameSet(id: number, set: NftSet): void {
    this.setIds.set(id, set);
  }

  chainOfId(id: number): NftChain | undefined {
    return this.chainIds.get(id);
  }

  setOfId(id: number): NftSet | undefined {
    return this.setIds.get(id);
  }

  blame(attribute: Uint8Array): void {
    this.blamed = attribute;
  }

  /** Keeps a message for those who listen. */
  tell(change: Change, message: number, fill: (writer: MessageWriter) => void): void {
    const echo = (change.flags & NLM_F_ECHO) !== 0;
    if (!echo && !this.tables.isHeard) return;
    const writer = new MessageWriter();
    const type = (NFNL_SUBSYS_NFTABLES << 8) | message;
    this.tables.begin(
      writer,
      type,
      0,
      change.request.seq,
      this.port,
      change.family,
      this.tables.generation + 1,
    );
    fill(writer);
    this.notices.push({ bytes: writer.end().take(), echo });
  }

  /** -EMLINK when calls from the chains of a table lead back or too deep. */
  checkCalls(table: NftTable): number {
    const depths = new Map<NftChain, number>();
    for (const chain of table.chains.values()) {
      const depth = depthOf(chain, depths, new Set());
      if (depth < 0) return depth;
      if (chain.base !== null && depth > MOST_DEPTH) return -EMLINK;
    }
    return 0;
  }
}

/** How many chains deep calls go from a chain, itself included; -EMLINK. */
function depthOf(chain: NftChain, known: Map<NftChain, number>, path: Set<NftChain>): number {
  const held = known.get(chain);
  if (held !== undefined) return held;
  if (path.has(chain) || path.size > MOST_DEPTH) return -EMLINK;
  path.add(chain);
  let deepest = 0;
  for (const rule of chain.rules) {
    for (const { leadsTo } of rule.expressions) {
      for (const next of leadsTo?.() ?? []) {
        const depth = depthOf(next, known, path);
        if (depth < 0) return depth;
        deepest = Math.max(deepest, depth);
      }
    }
  }
  path.delete(chain);
  known.set(chain, deepest + 1);
  return deepest + 1;
}
