import { NLM_F_REQUEST, RTM_GETLINK } from '@sandbox-kernel/abi';
import { describe, expect, it } from 'vitest';
import { MessageWriter, number32, parseAttributes, parseRequests, text } from '../../src/netlink/message.js';

describe('netlink messages', () => {
  it('come back as they were written, several in one datagram', () => {
    const writer = new MessageWriter();
    writer
      .begin(RTM_GETLINK, NLM_F_REQUEST, 7, 9)
      .u32(1, 2)
      .attribute32(3, 0xfffffffe)
      .attributeText(4, 'lo')
      .end();
    writer
      .begin(RTM_GETLINK + 1, NLM_F_REQUEST, 8, 9)
      .u8(1)
      .end();
    const [first, second] = parseRequests(writer.take());
    expect([first?.type, first?.seq, second?.type, second?.seq]).toEqual([
      RTM_GETLINK,
      7,
      RTM_GETLINK + 1,
      8,
    ]);
    const attributes = parseAttributes(first?.body ?? new Uint8Array(0), 8);
    expect(number32(attributes, 3, 0)).toBe(0xfffffffe);
    expect(text(attributes.get(4))).toBe('lo');
    expect(number32(attributes, 5, 77)).toBe(77);
  });

  it('with a nested attribute tell its whole length', () => {
    const writer = new MessageWriter().begin(1, 0, 0, 0);
    const nest = writer.nest(9);
    writer.attribute32(1, 5).endNest(nest).end();
    const [request] = parseRequests(writer.take());
    const inner = parseAttributes(request?.body ?? new Uint8Array(0), 0).get(9) ?? new Uint8Array(0);
    expect(number32(parseAttributes(inner, 0), 1, 0)).toBe(5);
  });
});
