// What programs pass is attackers' data: decoding it never throws and never reads past its end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAttributes, parseRequests } from '../../src/netlink/message.js';
import { parseBindName, parseConnectName, parseSendName } from '../../src/sockaddr.js';

const bytes = fc.uint8Array({ maxLength: 200 });

describe('hostile bytes', () => {
  it('as netlink messages give requests that lie within the datagram', () => {
    fc.assert(
      fc.property(bytes, (data) => {
        for (const request of parseRequests(data)) {
          expect(request.at + request.length).toBeLessThanOrEqual(data.length);
          for (const value of parseAttributes(request.body, 16).values())
            expect(value.length).toBeLessThan(data.length);
        }
      }),
    );
  });

  it('as socket addresses give a name or an errno', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (data, isV6) => {
        for (const parse of [parseBindName, parseConnectName, parseSendName]) {
          const name = parse(data, isV6);
          if (typeof name === 'number') expect(name).toBeLessThan(0);
          else if (name !== null) expect(name.port).toBeLessThan(65536);
        }
      }),
    );
  });
});
