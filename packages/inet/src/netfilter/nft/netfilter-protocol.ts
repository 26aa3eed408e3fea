// NETLINK_NETFILTER (nfnetlink): batches of changes to nf_tables, questions about them, and which matches and targets of iptables there are.
// Connection tracking's own messages, queues and logs are not there: -EINVAL, as on a kernel without those modules.
import {
  CAP_NET_ADMIN,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ERESTART,
  NFNL_BATCH_GENID,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFT_COMPAT,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG_DELCHAIN,
  NFT_MSG_DELOBJ,
  NFT_MSG_DELRULE,
  NFT_MSG_DELSET,
  NFT_MSG_DELSETELEM,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWOBJ,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
  NFTA_COMPAT_NAME,
  NFTA_COMPAT_REV,
  NFTA_COMPAT_TYPE,
  NLM_F_ACK,
  NLM_F_REQUEST,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import type { Internet } from '../../internet.js';
import { MessageWriter, type NetlinkRequest } from '../../netlink/message.js';
import type { NetlinkProtocol, NetlinkSocket } from '../../netlink/netlink-socket.js';
import { XT_MATCHES, XT_TARGETS } from '../xt/xt-rules.js';
import { attributesOf, be32, textOf, write32 } from './attributes.js';
import { Batch, type Change } from './batch.js';
import { answerQuery, writeGeneration } from './queries.js';
import { deleteRule, newRule } from './rule-changes.js';
import { deleteElements, deleteObject, deleteSet, newElements, newObject, newSet } from './set-changes.js';
import { deleteChain, deleteTable, newChain, newTable } from './table-changes.js';

const NFGENMSG = 4;
/** The newer DESTROY: as DEL, but what is not there is no mistake. */
const FIRST_DESTROY = 26;

const CHANGES: ReadonlyMap<number, (batch: Batch, change: Change) => number> = new Map([
  [NFT_MSG_NEWTABLE, newTable],
  [NFT_MSG_DELTABLE, deleteTable],
  [NFT_MSG_NEWCHAIN, newChain],
  [NFT_MSG_DELCHAIN, deleteChain],
  [NFT_MSG_NEWRULE, newRule],
  [NFT_MSG_DELRULE, deleteRule],
  [NFT_MSG_NEWSET, newSet],
  [NFT_MSG_DELSET, deleteSet],
  [NFT_MSG_NEWSETELEM, newElements],
  [NFT_MSG_DELSETELEM, deleteElements],
  [NFT_MSG_NEWOBJ, newObject],
  [NFT_MSG_DELOBJ, deleteObject],
]);
const DESTROYED = [deleteTable, deleteChain, deleteRule, deleteSet, deleteElements, deleteObject];

/** An answer that is kept until the batch is through. */
interface Verdict {
  readonly request: NetlinkRequest;
  readonly error: number;
  readonly offset: number;
}

export class NetfilterProtocol implements NetlinkProtocol {
  readonly groups = 32;
  readonly privileged = true;
  readonly mostRequest = 16 << 20;
  readonly #internet: Internet;

  constructor(internet: Internet) {
    this.#internet = internet;
  }

  /** A message outside of a batch: a question. */
  handle(task: Task, socket: NetlinkSocket, request: NetlinkRequest): number {
    if (!task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
    if (request.body.length < NFGENMSG) return -EINVAL;
    const subsystem = request.type >>> 8;
    const attributes = attributesOf(request.body.subarray(NFGENMSG));
    const family = request.body[0] as number;
    if (subsystem === NFNL_SUBSYS_NFT_COMPAT) return this.answerCompat(socket, request, family);
    if (subsystem !== NFNL_SUBSYS_NFTABLES || CHANGES.has(request.type & 0xff)) return -EINVAL;
    this.#internet.touch();
    return answerQuery(this.#internet.netfilter.nft, task, socket, request, family, attributes);
  }

  /** Whether there is a match or target of this revision. */
  private answerCompat(socket: NetlinkSocket, request: NetlinkRequest, family: number): number {
    const attributes = attributesOf(request.body.subarray(NFGENMSG));
    const name = textOf(attributes, NFTA_COMPAT_NAME);
    if (name === undefined) return -EINVAL;
    const revision = be32(attributes, NFTA_COMPAT_REV);
    const isTarget = be32(attributes, NFTA_COMPAT_TYPE) === 1;
    const plain = isTarget && (name === '' || name === 'ERROR');
    const registry = isTarget ? XT_TARGETS : XT_MATCHES;
    const found = plain ? 0 : registry.highest(name, revision, family === 10, EPROTONOSUPPORT);
    if (found < 0) return found === -EPROTONOSUPPORT ? found : -ENOENT;
    const writer = new MessageWriter();
    const type = NFNL_SUBSYS_NFT_COMPAT << 8;
    this.#internet.netfilter.nft.begin(writer, type, 0, request.seq, socket.portId, family, 0);
    writer.attributeText(NFTA_COMPAT_NAME, name);
    write32(writer, NFTA_COMPAT_REV, revision);
    write32(writer, NFTA_COMPAT_TYPE, isTarget ? 1 : 0);
    socket.answer(writer.end());
    return 0;
  }

  // ── batches ──

  handleBatch(task: Task, socket: NetlinkSocket, requests: readonly NetlinkRequest[]): boolean {
    const first = requests[0];
    if (first?.type !== NFNL_MSG_BATCH_BEGIN) return false;
    const refused = this.mayBegin(task, first);
    if (refused < 0) {
      socket.acknowledge(first, refused, 0);
      return true;
    }
    this.#internet.touch();
    const batch = new Batch(this.#internet.netfilter.nft, socket.portId);
    const verdicts: Verdict[] = [];
    if (this.work(batch, requests, verdicts)) this.take(batch, task, socket, first.seq);
    else batch.abort();
    for (const { request, error, offset } of verdicts) socket.acknowledge(request, error, offset);
    return true;
  }

  private mayBegin(task: Task, { body }: NetlinkRequest): number {
    if (body.length < NFGENMSG) return -EINVAL;
    const subsystem = ((body[2] as number) << 8) | (body[3] as number);
    if (!task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
    if (subsystem !== NFNL_SUBSYS_NFTABLES) return -EOPNOTSUPP;
    const attributes = attributesOf(body.subarray(NFGENMSG));
    const { generation } = this.#internet.netfilter.nft;
    const expected = be32(attributes, NFNL_BATCH_GENID);
    return expected !== 0 && expected !== generation ? -ERESTART : 0;
  }

  /** Makes the changes, all of them, so that every mistake is told; true when there was none and the batch is closed. */
  private work(batch: Batch, requests: readonly NetlinkRequest[], verdicts: Verdict[]): boolean {
    let good = true;
    for (const request of requests.slice(1)) {
      if (request.type === NFNL_MSG_BATCH_END) return good;
      if ((request.flags & NLM_F_REQUEST) === 0) continue;
      batch.blamed = null;
      const error = this.perform(batch, request);
      if (error < 0) good = false;
      if (error < 0 || (request.flags & NLM_F_ACK) !== 0)
        verdicts.push({ request, error, offset: offsetOf(request, batch.blamed) });
    }
    return false;
  }

  private perform(batch: Batch, request: NetlinkRequest): number {
    if (request.type === NFNL_MSG_BATCH_BEGIN || request.body.length < NFGENMSG) return -EINVAL;
    if (request.type >>> 8 !== NFNL_SUBSYS_NFTABLES) return -EINVAL;
    const message = request.type & 0xff;
    const change: Change = {
      request,
      family: request.body[0] as number,
      attributes: attributesOf(request.body.subarray(NFGENMSG)),
      flags: request.flags,
    };
    const work = CHANGES.get(message);
    if (work !== undefined) return work(batch, change);
    const destroy = DESTROYED[message - FIRST_DESTROY];
    if (destroy === undefined) return message < FIRST_DESTROY ? -EOPNOTSUPP : -EINVAL;
    const result = destroy(batch, change);
    return result === -ENOENT ? 0 : result;
  }

  private take(batch: Batch, task: Task, socket: NetlinkSocket, seq: number): void {
    const { nft } = this.#internet.netfilter;
    if (batch.isEmpty) return;
    batch.commit();
    nft.generation = (nft.generation + 1) >>> 0 || 1;
    for (const { bytes, echo } of batch.notices) {
      if (echo) socket.deliver(bytes, 0);
      nft.publish(bytes);
    }
    if (!nft.isHeard) return;
    const writer = new MessageWriter();
    writeGeneration(nft, writer, seq, socket.portId, task);
    nft.publish(writer.take());
  }
}

/** Where in the message an attribute begins; 0 when none is to blame. */
function offsetOf(request: NetlinkRequest, attribute: Uint8Array | null): number {
  if (attribute === null) return 0;
  const start = request.bytes.byteOffset + request.at;
  const offset = attribute.byteOffset - 4 - start;
  return offset > 0 && offset < request.length ? offset : 0;
}
