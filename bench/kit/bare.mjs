// A process of its own: uWebSockets.js with nothing around it. The best that `respond` could be,
// and the origin behind every proxy that is measured.
import { loadUws } from '../../build/base/uws.js';

const port = Number(process.argv[2]);
const kilobyte = Buffer.alloc(1024, 'a');
const hundred = Buffer.alloc(100 * 1024, 'a');
const uws = loadUws();
uws._cfg('silent');
const app = uws.App();

app.get('/1k', (res) => {
  res.writeHeader('content-type', 'application/octet-stream').end(kilobyte);
});
app.get('/100k', (res) => {
  res.writeHeader('content-type', 'application/octet-stream').end(hundred);
});
app.post('/1k', (res) => {
  res.onAborted(() => {});
  res.onData((_chunk, isLast) => {
    if (isLast) res.cork(() => res.end(kilobyte));
  });
});
app.any('/*', (res) => {
  res.writeStatus('404 Not Found').end('no such case');
});
app.listen('127.0.0.1', port, (socket) => {
  if (!socket) process.exit(1);
});
