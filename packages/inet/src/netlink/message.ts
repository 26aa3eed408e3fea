// Netlink messages (netlink(3), rtnetlink(3)): a writer for headers and attributes, and readers that trust no length.
import {
  NLA_TYPE_MASK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
  NLMSGHDR_SIZE,
  set64,
} from '@sandbox-kernel/abi';

export const NLMSG_HEADER = NLMSGHDR_SIZE;
const FIRST_SIZE = 1024;

function align(size: number): number {
  return (size + 3) & ~3;
}

/** Builds one or more messages into one buffer. */
export class MessageWriter {
  private bytes: Uint8Array;
  private view: DataView;
  length: number;
  private start: number;

  constructor() {
    this.bytes = new Uint8Array(FIRST_SIZE);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
    this.start = 0;
  }

  private room(size: number): number {
    const at = this.length;
    if (at + size > this.bytes.length) {
      const bigger = new Uint8Array(Math.max(this.bytes.length * 2, at + size));
      bigger.set(this.bytes.subarray(0, at));
      this.bytes = bigger;
      this.view = new DataView(bigger.buffer);
    }
    this.length = at + size;
    return at;
  }

  /** Starts a message; `end` completes it. */
  begin(type: number, flags: number, seq: number, pid: number): this {
    this.room(align(this.length) - this.length);
    this.start = this.length;
    const at = this.room(NLMSG_HEADER);
    this.view.setUint16(at + 4, type, true);
    this.view.setUint16(at + 6, flags, true);
    this.view.setUint32(at + 8, seq, true);
    this.view.setUint32(at + 12, pid, true);
    return this;
  }

  end(): this {
    this.view.setUint32(this.start, this.length - this.start, true);
    this.room(align(this.length) - this.length);
    return this;
  }

  u8(...values: readonly number[]): this {
    for (const value of values) this.bytes[this.room(1)] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.room(2);
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) {
      const at = this.room(4);
      this.view.setUint32(at, value >>> 0, true);
    }
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  attribute(type: number, data: Uint8Array): this {
    const at = this.room(4);
    this.view.setUint16(at, 4 + data.length, true);
    this.view.setUint16(at + 2, type, true);
    this.raw(data);
    this.room(align(this.length) - this.length);
    return this;
  }

  attribute8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  attribute32(type: number, ...values: readonly number[]): this {
    return this.attribute(type, new Uint8Array(Uint32Array.from(values, (value) => value >>> 0).buffer));
  }

  attribute64(type: number, ...values: readonly number[]): this {
    const bytes = new Uint8Array(values.length * 8);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < values.length; i++) set64(view, i * 8, values[i] as number);
    return this.attribute(type, bytes);
  }

  /** With its terminating zero. */
  attributeText(type: number, text: string): this {
    return this.attribute(
      type,
      Uint8Array.from(`${text}\0`, (letter) => letter.charCodeAt(0)),
    );
  }

  /** Opens a nested attribute; give what it returns to `endNest`. */
  nest(type: number): number {
    const at = this.room(4);
    this.view.setUint16(at + 2, type, true);
    return at;
  }

  endNest(at: number): this {
    this.view.setUint16(at, this.length - at, true);
    this.room(align(this.length) - this.length);
    return this;
  }

  /** NLMSG_DONE of a dump. */
  done(seq: number, pid: number): this {
    return this.begin(NLMSG_DONE, NLM_F_MULTI, seq, pid).u32(0).end();
  }

  /** NLMSG_DONE of a dump that is refused. */
  refusedDump(errno: number, seq: number, pid: number, reason: string): this {
    const told = reason === '' ? 0 : NLM_F_ACK_TLVS;
    this.begin(NLMSG_DONE, NLM_F_MULTI | told, seq, pid).u32(errno);
    return (told === 0 ? this : this.attributeText(NLMSGERR_ATTR_MSG, reason)).end();
  }

  /** NLMSG_ERROR; errno 0 is an acknowledgement. `request` is quoted: its header alone when `capped`. `blame`: offset of an attribute. */
  error(errno: number, request: NetlinkRequest, pid: number, capped: boolean, blame = 0, reason = ''): this {
    const whole = errno !== 0 && !capped;
    const told = blame > 0 || reason !== '';
    const flags = (whole ? 0 : NLM_F_CAPPED) | (told ? NLM_F_ACK_TLVS : 0);
    this.begin(NLMSG_ERROR, flags, request.seq, pid).u32(errno);
    this.raw(request.bytes.subarray(request.at, request.at + (whole ? request.length : NLMSG_HEADER)));
    if (told) this.room(align(this.length) - this.length);
    if (reason !== '') this.attributeText(NLMSGERR_ATTR_MSG, reason);
    if (blame > 0) this.attribute32(NLMSGERR_ATTR_OFFS, blame);
    return this.end();
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** One message of a program. `body` starts behind the header. */
export interface NetlinkRequest {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly body: Uint8Array;
}

/** The messages of one datagram; what is cut short is left out. */
export function parseRequests(bytes: Uint8Array): NetlinkRequest[] {
  const found: NetlinkRequest[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + NLMSG_HEADER <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HEADER || at + length > bytes.length) break;
    found.push({
      bytes,
      at,
      length,
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      body: bytes.subarray(at + NLMSG_HEADER, at + length),
    });
    at += align(length);
  }
  return found;
}

/** Attributes behind `skip` bytes, by type; of several with one type the last. */
export function parseAttributes(body: Uint8Array, skip: number): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let at = align(skip); at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    found.set(view.getUint16(at + 2, true) & NLA_TYPE_MASK, body.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** A 32-bit attribute; `otherwise` when it is absent or short. */
export function number32(
  attributes: ReadonlyMap<number, Uint8Array>,
  type: number,
  otherwise: number,
): number {
  const data = attributes.get(type);
  if (data === undefined || data.length < 4) return otherwise;
  return new DataView(data.buffer, data.byteOffset).getUint32(0, true);
}

export function text(data: Uint8Array | undefined): string {
  let letters = '';
  for (const byte of data ?? []) {
    if (byte === 0) break;
    letters += String.fromCharCode(byte);
  }
  return letters;
}
