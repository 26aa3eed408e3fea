// DNS messages: RFC 1035 section 4, with EDNS(0) (RFC 6891). A message is parsed into values and emitted from them;
// names are compressed on the way out. Arbitrary bytes never throw: what can't be read yields null.

import { Address } from '../address.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { readName, writeName } from './name.js';

export const DNS_A = 1;
export const DNS_NS = 2;
export const DNS_CNAME = 5;
export const DNS_SOA = 6;
export const DNS_PTR = 12;
export const DNS_MX = 15;
export const DNS_TXT = 16;
export const DNS_AAAA = 28;
export const DNS_SRV = 33;
export const DNS_OPT = 41;
export const DNS_ANY = 255;
export const DNS_IN = 1;

export const DNS_NOERROR = 0;
export const DNS_FORMERR = 1;
export const DNS_SERVFAIL = 2;
export const DNS_NXDOMAIN = 3;
export const DNS_NOTIMP = 4;
export const DNS_REFUSED = 5;

const HEADER = 12;
/** More records than this in one message are refused: no honest answer has them. */
const MAX_RECORDS = 1024;

export interface DnsQuestion {
  /** Lower case, without the last dot; the root is the empty string. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export type DnsData =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'mx'; readonly preference: number; readonly name: string }
  | {
      readonly kind: 'srv';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly name: string;
    }
  | { readonly kind: 'text'; readonly texts: readonly string[] }
  | {
      readonly kind: 'soa';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: DnsData;
}

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly code: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export const EMPTY_MESSAGE: DnsMessage = {
  id: 0,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  code: DNS_NOERROR,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

/** Reads a message, or null if it is malformed anywhere. */
export function parseDns(bytes: Uint8Array): DnsMessage | null {
  const reader = new ByteReader(bytes);
  if (bytes.length < HEADER) return null;
  const id = reader.u16();
  const flags = reader.u16();
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const;
  if (counts[0] + counts[1] + counts[2] + counts[3] > MAX_RECORDS) return null;
  const questions = readQuestions(reader, counts[0]);
  const answers = questions && readRecords(reader, counts[1]);
  const authorities = answers && readRecords(reader, counts[2]);
  const additionals = authorities && readRecords(reader, counts[3]);
  if (!questions || !answers || !authorities || !additionals) return null;
  return {
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    code: flags & 15,
    questions,
    answers,
    authorities,
    additionals,
  };
}

function readQuestions(reader: ByteReader, count: number): DnsQuestion[] | null {
  const questions: DnsQuestion[] = [];
  for (let i = 0; i < count; i++) {
    const name = readName(reader);
    if (name === null || !reader.has(4)) return null;
    questions.push({ name, type: reader.u16(), class: reader.u16() });
  }
  return questions;
}

function readRecords(reader: ByteReader, count: number): DnsRecord[] | null {
  const records: DnsRecord[] = [];
  for (let i = 0; i < count; i++) {
    const name = readName(reader);
    if (name === null || !reader.has(10)) return null;
    const type = reader.u16();
    const kind = reader.u16();
    const ttl = reader.u32();
    const length = reader.u16();
    if (!reader.has(length)) return null;
    const end = reader.at + length;
    const data = readData(reader, type, length, end);
    if (data === null || reader.at > end) return null;
    reader.at = end;
    // RFC 2181 section 8: a TTL with the top bit set means zero.
    records.push({ name, type, class: kind, ttl: ttl > 0x7fffffff ? 0 : ttl, data });
  }
  return records;
}

function readData(reader: ByteReader, type: number, length: number, end: number): DnsData | null {
  switch (type) {
    case DNS_A:
    case DNS_AAAA: {
      if (length !== (type === DNS_A ? 4 : 16)) return null;
      const address = Address.fromBytes(reader.bytes.subarray(reader.at, end));
      return address === null ? null : { kind: 'address', address };
    }
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR: {
      const name = readName(reader);
      return name === null ? null : { kind: 'name', name };
    }
    case DNS_MX:
      return length < 3 ? null : readMx(reader);
    case DNS_SRV:
      return length < 7 ? null : readSrv(reader);
    case DNS_TXT:
      return readTexts(reader, end);
    case DNS_SOA:
      return readSoa(reader, end);
    default:
      return { kind: 'raw', bytes: reader.bytes.slice(reader.at, end) };
  }
}

function readMx(reader: ByteReader): DnsData | null {
  const preference = reader.u16();
  const name = readName(reader);
  return name === null ? null : { kind: 'mx', preference, name };
}

function readSrv(reader: ByteReader): DnsData | null {
  const priority = reader.u16();
  const weight = reader.u16();
  const port = reader.u16();
  const name = readName(reader);
  return name === null ? null : { kind: 'srv', priority, weight, port, name };
}

function readTexts(reader: ByteReader, end: number): DnsData | null {
  const texts: string[] = [];
  while (reader.at < end) {
    const length = reader.u8();
    if (reader.at + length > end) return null;
    texts.push(reader.latin1(length));
  }
  return { kind: 'text', texts };
}

function readSoa(reader: ByteReader, end: number): DnsData | null {
  const primary = readName(reader);
  const mailbox = primary === null ? null : readName(reader);
  if (primary === null || mailbox === null || reader.at + 20 > end) return null;
  return {
    kind: 'soa',
    primary,
    mailbox,
    serial: reader.u32(),
    refresh: reader.u32(),
    retry: reader.u32(),
    expire: reader.u32(),
    minimum: reader.u32(),
  };
}

/** The message in bytes, at most `limit` of them: what does not fit is left out and the message marked truncated. */
export function emitDns(message: DnsMessage, limit = 65535): Uint8Array {
  const writer = new ByteWriter();
  writer.u16(message.id);
  writer.u16(flagsOf(message));
  for (let i = 0; i < 4; i++) writer.u16(0);
  const names = new Map<string, number>();
  for (const question of message.questions) {
    writeName(writer, question.name, names);
    writer.u16(question.type);
    writer.u16(question.class);
  }
  writer.setU16(4, message.questions.length);
  const sections = [message.answers, message.authorities, message.additionals];
  for (let section = 0; section < 3; section++) {
    const written = writeSection(writer, sections[section]!, names, limit);
    writer.setU16(6 + section * 2, written);
    if (written === sections[section]!.length) continue;
    writer.setU16(2, flagsOf(message) | 0x0200);
    break;
  }
  return writer.finish();
}

function writeSection(
  writer: ByteWriter,
  records: readonly DnsRecord[],
  names: Map<string, number>,
  limit: number,
): number {
  let written = 0;
  for (const record of records) {
    const before = writer.length;
    writeRecord(writer, record, names);
    if (writer.length > limit) {
      writer.truncate(before);
      return written;
    }
    written++;
  }
  return written;
}

function flagsOf(message: DnsMessage): number {
  return (
    (message.response ? 0x8000 : 0) |
    ((message.opcode & 15) << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.code & 15)
  );
}

function writeRecord(writer: ByteWriter, record: DnsRecord, names: Map<string, number>): void {
  writeName(writer, record.name, names);
  writer.u16(record.type);
  writer.u16(record.class);
  writer.u32(record.ttl);
  const lengthAt = writer.length;
  writer.u16(0);
  writeData(writer, record.data, names);
  writer.setU16(lengthAt, writer.length - lengthAt - 2);
}

// RFC 3597 section 4: names are compressed only in the data of types that RFC 1035 defines.
function writeData(writer: ByteWriter, data: DnsData, names: Map<string, number>): void {
  switch (data.kind) {
    case 'address':
      writer.append(data.address.toBytes());
      break;
    case 'name':
      writeName(writer, data.name, names);
      break;
    case 'mx':
      writer.u16(data.preference);
      writeName(writer, data.name, names);
      break;
    case 'srv':
      writer.u16(data.priority);
      writer.u16(data.weight);
      writer.u16(data.port);
      writeName(writer, data.name, null);
      break;
    case 'text':
      for (const text of data.texts) writer.text(text);
      break;
    case 'soa':
      writeName(writer, data.primary, names);
      writeName(writer, data.mailbox, names);
      for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum])
        writer.u32(value);
      break;
    case 'raw':
      writer.append(data.bytes);
      break;
  }
}
