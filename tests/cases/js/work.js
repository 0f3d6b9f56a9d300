// Files, children, worker threads and a server on the loopback in node.
const fs = require('fs'), cp = require('child_process'), http = require('http'), { Worker } = require('worker_threads');
fs.writeFileSync('/work/a', 'x'.repeat(100000));
console.log(fs.readFileSync('/work/a').length, fs.statSync('/work/a').size);
console.log(cp.execSync('echo from a child').toString().trim(), cp.spawnSync('sh', ['-c', 'exit 3']).status);
const worker = new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true });
worker.on('message', (m) => console.log('worker', m));
worker.on('exit', () => {
  const server = http.createServer((_, r) => r.end('served')).listen(0, '127.0.0.1', () => {
    http.get({ host: '127.0.0.1', port: server.address().port }, (r) => r.on('data', (d) => console.log(String(d))).on('end', () => {
      server.close();
      require('zlib').gzip('z'.repeat(1e6), (_, b) => console.log(require('zlib').gunzipSync(b).length));
    }));
  });
});
