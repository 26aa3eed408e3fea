// What a node program may rely on in net and dgram: the order of events, half-closing, back-pressure, resets, errors, unix sockets.
const assert = require('node:assert');
const net = require('node:net');
const dgram = require('node:dgram');
const { once } = require('node:events');

const listen = async (options, handler) => {
  const server = net.createServer(options, handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
const text = async (socket) => {
  let all = '';
  socket.on('data', (part) => {
    all += part;
  });
  await once(socket, 'end');
  return all;
};

const TESTS = {
  async 'events come in order'() {
    const seen = [];
    const server = await listen({}, (socket) => {
      seen.push('connection');
      socket.on('end', () => seen.push('server end'));
      socket.end('bye');
    });
    const client = net.connect(server.address().port, '127.0.0.1');
    client.on('connect', () => seen.push('connect')).on('end', () => seen.push('end'));
    client.resume();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
    assert.deepStrictEqual(
      seen.filter((what) => !what.startsWith('server') && what !== 'connection'),
      ['connect', 'end'],
    );
    assert.deepStrictEqual(
      seen.filter((what) => what.startsWith('server')),
      ['server end'],
    );
  },
  async 'half-open: the answer comes after the end of the question'() {
    const server = await listen({ allowHalfOpen: true }, async (socket) => {
      const question = await text(socket);
      socket.end(question.toUpperCase());
    });
    const client = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
    client.end('question');
    assert.strictEqual(await text(client), 'QUESTION');
    server.close();
  },
  async 'back-pressure: write says no, drain says when'() {
    let got = 0;
    const server = await listen({}, (socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 50);
      socket.on('data', (bytes) => (got += bytes.length));
    });
    const client = net.connect(server.address().port, '127.0.0.1');
    const block = Buffer.alloc(1 << 20, 7);
    let waited = 0;
    for (let i = 0; i < 32; i++) {
      if (client.write(block)) continue;
      waited++;
      await once(client, 'drain');
    }
    client.end();
    await once(client, 'close');
    while (got < 32 << 20) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(waited > 0);
    assert.strictEqual(client.bytesWritten, 32 << 20);
    server.close();
  },
  async 'a reset is ECONNRESET, a closed port ECONNREFUSED'() {
    const server = await listen({}, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { port } = server.address();
    const client = net.connect(port, '127.0.0.1', () => client.write('x'));
    const [reset] = await once(client, 'error');
    server.close();
    await once(server, 'close');
    const again = net.connect(port, '127.0.0.1');
    const [refused] = await once(again, 'error');
    assert.deepStrictEqual(
      [reset.code, refused.code, refused.syscall],
      ['ECONNRESET', 'ECONNREFUSED', 'connect'],
    );
  },
  async 'a port in use is EADDRINUSE'() {
    const server = await listen({}, () => {});
    const second = net.createServer().listen(server.address().port, '127.0.0.1');
    const [error] = await once(second, 'error');
    assert.strictEqual(error.code, 'EADDRINUSE');
    server.close();
  },
  async 'addresses of both ends, both families'() {
    for (const host of ['127.0.0.1', '::1']) {
      const server = net.createServer((socket) =>
        socket.end(JSON.stringify([socket.remoteAddress, socket.remotePort])),
      );
      server.listen(0, host);
      await once(server, 'listening');
      const client = net.connect(server.address().port, host);
      await once(client, 'connect');
      const own = [client.localAddress, client.localPort];
      assert.deepStrictEqual(JSON.parse(await text(client)), own);
      server.close();
    }
  },
  async 'a dual-stack server sees mapped addresses'() {
    const server = net.createServer((socket) => socket.end(socket.remoteAddress)).listen(0);
    await once(server, 'listening');
    assert.strictEqual(await text(net.connect(server.address().port, '127.0.0.1')), '::ffff:127.0.0.1');
    server.close();
  },
  async 'idle timeouts, keep-alive and no delay'() {
    const server = await listen({ keepAlive: true, noDelay: true }, () => {});
    const client = net.connect(server.address().port, '127.0.0.1');
    await once(client.setKeepAlive(true, 1000).setNoDelay().setTimeout(50), 'timeout');
    client.destroy();
    server.close();
  },
  async 'two hundred connections at once, counted and closed'() {
    const server = await listen({}, (socket) => socket.pipe(socket));
    const { port } = server.address();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        client.end(`number ${i}`);
        return text(client);
      }),
    );
    assert.ok(answers.every((answer, i) => answer === `number ${i}`));
    server.close();
    await once(server, 'close');
  },
  async 'maxConnections drops what is too much'() {
    const server = await listen({}, () => {});
    server.maxConnections = 1;
    const first = net.connect(server.address().port, '127.0.0.1');
    await once(first, 'connect');
    const second = net.connect(server.address().port, '127.0.0.1');
    await once(second.resume(), 'close');
    first.destroy();
    server.close();
  },
  async 'unix sockets: paths and abstract names'() {
    for (const path of [`/tmp/net-events-${process.pid}`, `\0net-events-${process.pid}`]) {
      const server = net.createServer((socket) => socket.pipe(socket)).listen(path);
      await once(server, 'listening');
      const client = net.connect({ path, allowHalfOpen: true });
      client.end('over unix');
      assert.strictEqual(await text(client), 'over unix');
      server.close();
      await once(server, 'close');
    }
  },
  async 'connecting may be aborted'() {
    const server = await listen({}, () => {});
    const controller = new AbortController();
    const client = net.connect({ port: server.address().port, host: '127.0.0.1', signal: controller.signal });
    controller.abort();
    const [error] = await once(client, 'error');
    assert.strictEqual(error.name, 'AbortError');
    server.close();
  },
  async 'datagrams: bound, connected, large, refused'() {
    const server = dgram.createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.on('message', (bytes, from) => server.send(`${bytes.length}`, from.port, from.address));
    const client = dgram.createSocket('udp4');
    client.connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.send(Buffer.alloc(60_000));
    assert.strictEqual(String((await once(client, 'message'))[0]), '60000');
    server.close();
    await once(server, 'close');
    client.send('x');
    const [error] = await once(client, 'error');
    assert.strictEqual(error.code, 'ECONNREFUSED');
    client.close();
  },
};

(async () => {
  for (const [name, run] of Object.entries(TESTS)) {
    await run();
    console.log(name);
  }
})();
