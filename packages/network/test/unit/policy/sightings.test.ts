import { describe, expect, it } from 'vitest';
import { sightServerName } from '../../../src/policy/client-hello.js';
import { sightHost } from '../../../src/policy/http-host.js';
import { clientHello } from '../../support/client-hello.js';

const http = (text: string) => sightHost(Buffer.from(text, 'latin1'));

describe('the server name of a ClientHello', () => {
  it('is read, also when the hello is cut into records', () => {
    expect(sightServerName(clientHello('Example.com'))).toEqual({ kind: 'name', name: 'example.com' });
    expect(sightServerName(clientHello('example.com', 20))).toEqual({ kind: 'name', name: 'example.com' });
  });

  it('is waited for while bytes are missing', () => {
    const hello = clientHello('example.com');
    for (let length = 0; length < hello.length; length++)
      expect(sightServerName(hello.subarray(0, length)).kind).toBe('more');
  });

  it('may be absent; what is not TLS is something else', () => {
    expect(sightServerName(clientHello(null)).kind).toBe('none');
    expect(sightServerName(Buffer.from('SSH-2.0-x')).kind).toBe('other');
  });

  it('is refused when it could be read in two ways', () => {
    expect(sightServerName(clientHello('a.com', 0, ['b.com'])).kind).toBe('malformed');
    const zero = clientHello('example.com');
    zero[3] = 0;
    zero[4] = 0;
    expect(sightServerName(zero).kind).toBe('malformed');
    const huge = Uint8Array.of(22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff);
    expect(sightServerName(huge).kind).toBe('malformed');
  });
});

describe('the host of an HTTP request', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: Example.com:8080\r\n\r\n', 'example.com'],
    ['\r\n\r\nGET / HTTP/1.1\r\nHost: example.com\r\n\r\n', 'example.com'],
    ['BREW /pot HTTP/1.1\nHost:example.com.\n\n', 'example.com'],
    ['GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n\r\n', 'example.com'],
    ['CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n', 'example.com'],
    ['GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', '[::1]'],
  ])('%j', (text, name) => expect(http(text)).toEqual({ kind: 'name', name }));

  it.each([
    ['GET / HTTP/1.1\r\nHost: a.com\r\nHost: b.com\r\n\r\n', 'malformed'],
    ['GET http://evil.com/ HTTP/1.1\r\nHost: good.com\r\n\r\n', 'malformed'],
    ['GET / HTTP/1.1\r\nX: y\r\n Host: a.com\r\n\r\n', 'malformed'],
    ['GET / HTTP/1.0\r\n\r\n', 'none'],
    ['GET / HTTP/1.1\r\nHost: a', 'more'],
    ['GE', 'more'],
    ['GET /', 'more'],
    ['GET / HTTP', 'more'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'other'],
    ['*1\r\n$4\r\nPING\r\n', 'other'],
    ['EHLO me\r\n', 'other'],
    ['\0\0\0', 'other'],
    [`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`, 'malformed'],
  ])('%j is %s', (text, kind) => expect(http(text).kind).toBe(kind));
});
