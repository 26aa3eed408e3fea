// The expressions there are, and lists of them as rules and elements carry them.
import { EINVAL, ENOENT, NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_LIST_ELEM } from '@sandbox-kernel/abi';
import type { MessageWriter } from '../../netlink/message.js';
import {
  makeDynset,
  makeLog,
  makeMasq,
  makeMatch,
  makeNat,
  makeNotrack,
  makeObjref,
  makeRedir,
  makeReject,
  makeTarget,
} from './acts.js';
import { attributesOf, listAttributes, textOf, writeNest } from './attributes.js';
import type { ExpressionContext, ExpressionMaker } from './context.js';
import { makeCt } from './flows.js';
import { makeFib, makeImmediate, makeMeta, makeNumgen, makePayload } from './loads.js';
import type { Expression } from './model.js';
import {
  makeBitwise,
  makeByteorder,
  makeCmp,
  makeCounter,
  makeLimit,
  makeLookup,
  makeQuota,
  makeRange,
} from './tests.js';

const MAKERS: ReadonlyMap<string, ExpressionMaker> = new Map([
  ['immediate', makeImmediate],
  ['payload', makePayload],
  ['meta', makeMeta],
  ['ct', makeCt],
  ['fib', makeFib],
  ['numgen', makeNumgen],
  ['cmp', makeCmp],
  ['range', makeRange],
  ['bitwise', makeBitwise],
  ['byteorder', makeByteorder],
  ['lookup', makeLookup],
  ['counter', makeCounter],
  ['limit', makeLimit],
  ['quota', makeQuota],
  ['nat', makeNat],
  ['masq', makeMasq],
  ['redir', makeRedir],
  ['reject', makeReject],
  ['log', makeLog],
  ['notrack', makeNotrack],
  ['objref', makeObjref],
  ['dynset', makeDynset],
  ['match', makeMatch],
  ['target', makeTarget],
]);

/** Rules of more expressions are refused (NFT_RULE_MAXEXPRS). */
const MOST_EXPRESSIONS = 128;

/** One expression from its NFTA_EXPR_* attributes, or -errno. */
export function makeExpression(bytes: Uint8Array, context: ExpressionContext): Expression | number {
  const attributes = attributesOf(bytes);
  const name = textOf(attributes, NFTA_EXPR_NAME);
  if (name === undefined) return -EINVAL;
  const maker = MAKERS.get(name);
  return maker === undefined ? -ENOENT : maker(attributesOf(attributes.get(NFTA_EXPR_DATA)), context);
}

/** A list of NFTA_LIST_ELEM. */
export function makeExpressions(
  bytes: Uint8Array | undefined,
  context: ExpressionContext,
): Expression[] | number {
  const made: Expression[] = [];
  for (const [type, data] of bytes === undefined ? [] : listAttributes(bytes)) {
    if (type !== NFTA_LIST_ELEM || made.length >= MOST_EXPRESSIONS) return -EINVAL;
    const expression = makeExpression(data, context);
    if (typeof expression === 'number') {
      context.names.blame(data);
      return expression;
    }
    made.push(expression);
  }
  return made;
}

export function writeExpression(writer: MessageWriter, type: number, expression: Expression): void {
  writeNest(writer, type, () => {
    writer.attributeText(NFTA_EXPR_NAME, expression.name);
    writeNest(writer, NFTA_EXPR_DATA, () => expression.write(writer));
  });
}

export function writeExpressions(
  writer: MessageWriter,
  type: number,
  expressions: readonly Expression[],
): void {
  writeNest(writer, type, () => {
    for (const expression of expressions) writeExpression(writer, NFTA_LIST_ELEM, expression);
  });
}
