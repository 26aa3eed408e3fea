// The host that an HTTP/1 request is for: RFC 9112 section 3.2. Only the first request of a connection is looked at. Two Host
// fields, or a Host that disagrees with an absolute target, are an attempt to be read in two ways, and refused.
import type { Sighting } from './client-hello.js';

/** A head longer than this is not read on: no honest client sends one before its Host field. */
export const HEAD_LIMIT = 16384;
const REQUEST_LINE = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}) +([!-~]+) +HTTP\/(\d)\.\d$/;
const OTHER: Sighting = { kind: 'other' };
const MALFORMED: Sighting = { kind: 'malformed' };

/** Looks at the first bytes of a stream. `other`: not HTTP/1. Empty lines before a request are passed over, as servers do. */
export function sightHost(bytes: Uint8Array): Sighting {
  const text = latin1(bytes.subarray(0, HEAD_LIMIT)).replace(/^[\r\n]+/, '');
  const lineEnd = text.indexOf('\n');
  if (lineEnd < 0) return couldBecomeRequest(text) ? unfinished(bytes) : OTHER;
  const request = REQUEST_LINE.exec(text.slice(0, lineEnd).trimEnd());
  if (request === null || request[3] !== '1') return OTHER;
  const end = headEnd(text);
  if (end < 0) return unfinished(bytes);
  const fields = text.slice(lineEnd + 1, end).split(/\r?\n/);
  return hostOf(request[1] as string, request[2] as string, fields);
}

function unfinished(bytes: Uint8Array): Sighting {
  return bytes.length >= HEAD_LIMIT ? MALFORMED : { kind: 'more' };
}

function hostOf(method: string, target: string, fields: readonly string[]): Sighting {
  const hosts = fields.filter((field) => /^host[ \t]*:/i.test(field));
  if (hosts.length > 1 || fields.some((field) => /^[ \t]/.test(field))) return MALFORMED;
  const host = hosts[0] === undefined ? null : authorityHost(hosts[0].replace(/^[^:]*:[ \t]*/, '').trimEnd());
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target);
  const named =
    method.toUpperCase() === 'CONNECT'
      ? authorityHost(target)
      : absolute === null
        ? null
        : authorityHost(absolute[1] ?? '');
  if (named !== null && host !== null && named !== host) return MALFORMED;
  const name = named ?? host;
  if (name === null) return { kind: 'none' };
  return name === '' ? MALFORMED : { kind: 'name', name };
}

/** `user@host:port` without its ends, in lower case; brackets stay round IPv6. */
function authorityHost(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  return /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::[0-9]*)?$/.exec(host)?.[1]?.replace(/\.$/, '') ?? '';
}

function headEnd(text: string): number {
  return /\r?\n\r?\n/.exec(text)?.index ?? -1;
}

/** No line end yet: a method, and perhaps a target and a part of the version. */
function couldBecomeRequest(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,32}( +([!-~]+( +[HTP/.0-9]*)?)?)?\r?$/.test(text);
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}
