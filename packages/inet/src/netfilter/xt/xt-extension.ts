// Matches and targets that rules name (x_tables.h, xt_*.h): each knows its size, where it may be used, and how to become a step.
import { EINVAL, ENOENT, EPROTOTYPE, XT_EXTENSION_MAXNAMELEN } from '@sandbox-kernel/abi';
import type { RuleStep } from '@sandbox-kernel/netstack';
import type { Netfilter } from '../netfilter.js';

/** Where a match or target is used. */
export interface XtPlace {
  readonly netfilter: Netfilter;
  readonly isV6: boolean;
  readonly table: string;
  /** Bits of the hooks from which the rule can be reached. */
  readonly hooks: number;
  /** What the rule says of the protocol: 0 for any. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
}

export interface XtExtension {
  readonly name: string;
  readonly revision: number;
  /** Of one family only. */
  readonly family?: 'v4' | 'v6';
  /** sizeof its data. */
  readonly size: number;
  readonly protocols?: readonly number[];
  readonly tables?: readonly string[];
  /** Bits of hooks in which it may be used. */
  readonly hooks?: number;
  /** The step, or -errno. `data` holds `size` bytes, which are the program's. */
  make(data: DataView, place: XtPlace): RuleStep | number;
}

export function alignXt(size: number): number {
  return (size + 7) & ~7;
}

export class XtRegistry {
  readonly #known: readonly XtExtension[];

  constructor(known: readonly XtExtension[]) {
    this.#known = known;
  }

  private named(name: string, isV6: boolean): XtExtension[] {
    return this.#known.filter(
      (each) => each.name === name && (each.family === undefined || (each.family === 'v6') === isV6),
    );
  }

  /** IPT_SO_GET_REVISION_*: the highest revision of the name; -ENOENT, -EPROTONOSUPPORT. */
  highest(name: string, revision: number, isV6: boolean, unsupported: number): number {
    const found = this.named(name, isV6);
    if (found.length === 0) return -ENOENT;
    if (!found.some((each) => each.revision === revision)) return -unsupported;
    return Math.max(...found.map((each) => each.revision));
  }

  /** For /proc/net. */
  names(isV6: boolean): string[] {
    return this.#known
      .filter(({ family }) => family === undefined || (family === 'v6') === isV6)
      .map(({ name }) => name);
  }

  find(name: string, revision: number, isV6: boolean): XtExtension | number {
    const found = this.named(name, isV6);
    const exact = found.find((each) => each.revision === revision);
    return exact ?? (found.length === 0 ? -ENOENT : -EPROTOTYPE);
  }

  /** Checks where and how it is used, and makes the step. */
  make(extension: XtExtension, data: DataView, place: XtPlace): RuleStep | number {
    if (alignXt(extension.size) !== data.byteLength) return -EINVAL;
    if (extension.tables?.includes(place.table) === false) return -EINVAL;
    if (extension.hooks !== undefined && (place.hooks & ~extension.hooks) !== 0) return -EINVAL;
    const { protocols } = extension;
    if (protocols !== undefined && (place.protocolInverted || !protocols.includes(place.protocol)))
      return -EINVAL;
    return extension.make(data, place);
  }
}

/** A name in a fixed field, up to its zero. */
export function fixedText(bytes: Uint8Array, at: number, room = XT_EXTENSION_MAXNAMELEN): string {
  let text = '';
  for (let i = at; i < at + room && bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
