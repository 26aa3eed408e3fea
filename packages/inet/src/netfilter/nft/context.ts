// What an expression is made in: the table and chain of its rule, the batch that brought it; and the registers it may name.
import {
  EINVAL,
  ERANGE,
  NFT_REG_4,
  NFT_REG_VERDICT,
  NFT_REG32_00,
  NFT_REG32_15,
  NFTA_DATA_VALUE,
} from '@sandbox-kernel/abi';
import { REGISTER_BYTES } from '@sandbox-kernel/netstack';
import type { Netfilter } from '../netfilter.js';
import { type Attributes, attributesOf, be32 } from './attributes.js';
import type { Expression, NftChain, NftTable } from './model.js';
import type { NftSet } from './set.js';
import type { ChainNames } from './verdict.js';

/** Names that hold within one batch. */
export interface BatchNames extends ChainNames {
  setOfId(id: number): NftSet | undefined;
}

export interface ExpressionContext {
  readonly netfilter: Netfilter;
  readonly table: NftTable;
  /** null: of a set's elements or of an object. */
  readonly chain: NftChain | null;
  readonly names: BatchNames;
  /** NFTA_RULE_COMPAT_PROTO and whether it is turned round. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
}

/** Makes one kind of expression, or gives -errno. */
export type ExpressionMaker = (attributes: Attributes, context: ExpressionContext) => Expression | number;

/** The byte at which a register begins; -EINVAL, or -ERANGE where `length` bytes do not fit. */
export function registerOf(attributes: Attributes, type: number, length: number): number {
  if (!attributes.has(type) || length <= 0) return -EINVAL;
  const number = be32(attributes, type);
  if (number === NFT_REG_VERDICT) return -EINVAL;
  let at = -1;
  if (number <= NFT_REG_4) at = (number - 1) * 16;
  else if (number >= NFT_REG32_00 && number <= NFT_REG32_15) at = (number - NFT_REG32_00) * 4;
  else return -ERANGE;
  return at + length > REGISTER_BYTES ? -ERANGE : at;
}

/** As `registerOf`, for a register that need not be named: null then. */
export function optionalRegister(attributes: Attributes, type: number, length: number): number | null {
  return attributes.has(type) ? registerOf(attributes, type, length) : null;
}

/** The bytes of a NFTA_DATA_VALUE within an attribute. */
export function dataValue(attributes: Attributes, type: number): Uint8Array | null {
  const value = attributesOf(attributes.get(type)).get(NFTA_DATA_VALUE);
  return value === undefined || value.length === 0 || value.length > REGISTER_BYTES ? null : value;
}
