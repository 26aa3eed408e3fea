// Verdicts in immediates and in the elements of maps (NFTA_DATA_VERDICT): a code, and for jumps a chain of the same table.
import {
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  NFT_BREAK,
  NFT_CONTINUE,
  NFT_GOTO,
  NFT_JUMP,
  NFT_RETURN,
  NFTA_DATA_VERDICT,
  NFTA_VERDICT_CHAIN,
  NFTA_VERDICT_CHAIN_ID,
  NFTA_VERDICT_CODE,
} from '@sandbox-kernel/abi';
import {
  type Evaluation,
  STEP_BREAK,
  STEP_GOTO,
  STEP_JUMP,
  STEP_NEXT,
  STEP_RETURN,
  VERDICT_ACCEPT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import type { MessageWriter } from '../../netlink/message.js';
import { attributesOf, be32, textOf, write32, writeNest } from './attributes.js';
import type { NftChain, NftTable } from './model.js';

const NF_DROP = 0;
const NF_ACCEPT = 1;

export interface Verdict {
  readonly code: number;
  readonly chain: NftChain | null;
}

/** Chains of a batch that were given numbers instead of names. */
export interface ChainNames {
  chainOfId(id: number): NftChain | undefined;
  /** An error is about this attribute. */
  blame(attribute: Uint8Array): void;
}

/** From the bytes of NFTA_DATA_VERDICT; or -errno. */
export function parseVerdict(data: Uint8Array, table: NftTable, names: ChainNames): Verdict | number {
  const attributes = attributesOf(data);
  if (!attributes.has(NFTA_VERDICT_CODE)) return -EINVAL;
  const code = be32(attributes, NFTA_VERDICT_CODE) | 0;
  if ([NF_ACCEPT, NF_DROP, NFT_CONTINUE, NFT_BREAK, NFT_RETURN].includes(code)) return { code, chain: null };
  if (code !== NFT_JUMP && code !== NFT_GOTO) return -EINVAL;
  const name = textOf(attributes, NFTA_VERDICT_CHAIN);
  const id = attributes.has(NFTA_VERDICT_CHAIN_ID) ? be32(attributes, NFTA_VERDICT_CHAIN_ID) : -1;
  if (name === undefined && id < 0) return -EINVAL;
  const chain = name === undefined ? names.chainOfId(id) : table.chains.get(name);
  if (chain === undefined) return -ENOENT;
  return chain.base === null ? { code, chain } : -EOPNOTSUPP;
}

export function writeVerdict(writer: MessageWriter, { code, chain }: Verdict): void {
  writeNest(writer, NFTA_DATA_VERDICT, () => {
    write32(writer, NFTA_VERDICT_CODE, code);
    if (chain !== null) writer.attributeText(NFTA_VERDICT_CHAIN, chain.name);
  });
}

export function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.code === b.code && a.chain === b.chain;
}

/** What a step returns for it. */
export function giveVerdict(look: Evaluation, { code, chain }: Verdict): number {
  switch (code) {
    case NF_ACCEPT:
      return VERDICT_ACCEPT;
    case NF_DROP:
      return VERDICT_DROP;
    case NFT_BREAK:
      return STEP_BREAK;
    case NFT_RETURN:
      return STEP_RETURN;
    case NFT_CONTINUE:
      return STEP_NEXT;
    default:
      look.target = chain?.engine ?? null;
      return code === NFT_JUMP ? STEP_JUMP : STEP_GOTO;
  }
}
