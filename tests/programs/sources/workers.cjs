// Worker threads on shared memory, child processes of every kind, and a signal.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { spawn, execFileSync, fork } = require('node:child_process');
if (process.argv[2] === 'child') {
  process.on('message', (m) => {
    process.send(m * 2);
    process.disconnect();
  });
} else if (!isMainThread) {
  const cells = new Int32Array(workerData);
  for (let i = 0; i < 10000; i++) Atomics.add(cells, 0, 1);
  Atomics.notify(cells, 1);
  parentPort.postMessage(require('node:crypto').createHash('sha256').update('x').digest('hex').slice(0, 8));
} else
  (async () => {
    const shared = new SharedArrayBuffer(8);
    const workers = Array.from(
      { length: 4 },
      () => new Promise((done) => new Worker(__filename, { workerData: shared }).on('message', done)),
    );
    console.log(await Promise.all(workers), new Int32Array(shared)[0]);
    console.log(execFileSync('/bin/echo', ['sync child']).toString().trim());
    const child = spawn('sh', ['-c', 'cat; kill -TERM $$']);
    child.stdin.end('piped\n');
    let text = '';
    child.stdout.on('data', (d) => {
      text += d;
    });
    console.log(await new Promise((done) => child.on('close', (code, signal) => done([text, code, signal]))));
    const forked = fork(__filename, ['child']);
    forked.send(21);
    console.log(await new Promise((done) => forked.on('message', done)));
    console.log(await new Promise((done) => forked.on('exit', (code) => done(code))));
    process.once('SIGUSR2', () => console.log('signal'));
    process.kill(process.pid, 'SIGUSR2');
    setTimeout(() => console.log('end'), 20);
  })();
