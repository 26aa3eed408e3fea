// The check of what a guest sends first: the server name of TLS or the host of HTTP must be one that the policy would let through to this
// address, whatever the address was resolved for. Bytes are held back in the connection's receive buffer until that is known, for a
// bounded time: what by then has begun as TLS or HTTP and is not complete is refused, anything else passes.
import { READ_PEEK, type TcpEndpoint } from '@sandbox-kernel/netstack';
import { HELLO_LIMIT, sightServerName } from '../policy/client-hello.js';
import { hostName } from '../policy/domain.js';
import { sightHost } from '../policy/http-host.js';

const TLS_HANDSHAKE = 22;
/** Longer than this without a decision means that a request has begun. */
const MAY_STILL_BE_ANYTHING = 32;

export type FirstBytes =
  | { readonly kind: 'pass' | 'wait' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'refuse'; readonly reason: string };

const PASS: FirstBytes = { kind: 'pass' };
const WAIT: FirstBytes = { kind: 'wait' };

/** Looks at what lies in the receive buffer; `late`: the time to wait is over. */
export function inspectFirstBytes(endpoint: TcpEndpoint, late: boolean): FirstBytes {
  const length = Math.min(endpoint.readable, HELLO_LIMIT);
  if (length === 0) return WAIT;
  const bytes = new Uint8Array(length);
  endpoint.read(bytes, 0, length, READ_PEEK);
  const isTls = bytes[0] === TLS_HANDSHAKE;
  const seen = isTls ? sightServerName(bytes) : sightHost(bytes);
  const what = isTls ? 'TLS' : 'HTTP';
  switch (seen.kind) {
    case 'name':
      return named(seen.name, what);
    case 'malformed':
      return { kind: 'refuse', reason: `a ${what} beginning that can be read in more than one way` };
    case 'more':
      if (!late) return WAIT;
      if (!isTls && length < MAY_STILL_BE_ANYTHING) return PASS;
      return { kind: 'refuse', reason: `a ${what} beginning that was not completed in time` };
    default:
      return PASS;
  }
}

/** An address in the place of a name says nothing that the flow's own address did not. */
function named(name: string, what: string): FirstBytes {
  if (/^\[.*\]$|^[0-9.]+$/.test(name)) return PASS;
  const host = hostName(name);
  return host === null
    ? { kind: 'refuse', reason: `'${name.slice(0, 80)}' in the ${what} beginning is no host's name` }
    : { kind: 'name', name: host };
}
