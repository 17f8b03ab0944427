// A process of its own: an origin that counts what reaches it, key by key. Cheap for what it does
// (uWebSockets.js, bodies made once), since it shares the machine with what is measured.
//
//   /-/counts                total, and requests by key (method, target, body)
//   /-/reset                 counts from zero
//   /-/publish/WHAT          the next version of everything under WHAT (a line, an article); answers it
//   /slow/...                after 200 ms
//   /big/...                 200 KiB, in pieces over some turns
//   /articles/ID, /front     their tags stand in the response
//   everything else          1 KB of JSON at once, fresh for an hour unless the route says otherwise
//
// What has a version: `/x/WHAT/...` has that of WHAT, `/front` that of the last article.
import { loadUws } from '../../build/base/uws.js';
import { bigBodyBytes, bodyOf } from './origin-bodies.mjs';
import { calculatorName } from './workloads.mjs';

const port = Number(process.argv[2]);
const slowMs = 200;
const pieceCount = 8;
const pieceEveryMs = 4;

let total = 0;
/** Bodies that are under way. */
let streaming = 0;
let counts = new Map();
const versions = new Map();
const bodies = new Map();

function count(key) {
  total += 1;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function versionOfPath(path) {
  const [, , what = ''] = path.split('/');
  return versions.get(path === '/front' ? 'front' : what) ?? 1;
}

function bodyAt(path) {
  const version = versionOfPath(path);
  const made = bodies.get(path);
  if (made?.version === version) return made.body;
  const bytes = path.startsWith('/big/') ? bigBodyBytes : undefined;
  const body = Buffer.from(bodyOf(path, version, bytes), 'latin1');
  bodies.set(path, { version, body });
  return body;
}

function writeHead(res, path) {
  res.writeHeader('content-type', 'application/json');
  res.writeHeader('etag', `"${versionOfPath(path)}"`);
  // A calculation states nothing: how long its answer holds is the route's to say.
  if (!path.startsWith('/price')) res.writeHeader('cache-control', 'max-age=3600');
  if (path === '/front') res.writeHeader('cache-tag', 'front');
  else if (path.startsWith('/articles/')) {
    res.writeHeader('cache-tag', `article-${path.split('/')[2]}, articles`);
  }
}

function answer(res, path) {
  writeHead(res, path);
  res.end(bodyAt(path));
}

function stream(res, path) {
  const body = bodyAt(path);
  writeHead(res, path);
  const pieceBytes = Math.ceil(body.length / pieceCount);
  let at = 0;
  let gone = false;
  streaming += 1;
  const step = () => {
    if (gone) return;
    res.cork(() => res.write(body.subarray(at, at + pieceBytes)));
    at += pieceBytes;
    if (at < body.length) setTimeout(step, pieceEveryMs);
    else {
      streaming -= 1;
      res.cork(() => res.end());
    }
  };
  res.onAborted(() => {
    gone = true;
    streaming -= 1;
  });
  step();
}

const uws = loadUws();
uws._cfg('silent');
const app = uws.App();

app.get('/-/counts', (res) => {
  const byKey = Object.fromEntries(counts);
  res.end(JSON.stringify({ total, streaming, byKey }));
});
app.get('/-/total', (res) => {
  res.end(JSON.stringify({ total, streaming }));
});
app.get('/-/reset', (res) => {
  total = 0;
  counts = new Map();
  res.end('{}');
});
app.get('/-/publish/:what', (res, req) => {
  const what = req.getParameter(0);
  const version = (versions.get(what) ?? 1) + 1;
  versions.set(what, version);
  versions.set('front', (versions.get('front') ?? 1) + 1);
  res.end(JSON.stringify({ version, front: versions.get('front') }));
});
app.get('/big/*', (res, req) => {
  const path = req.getUrl();
  count(`GET ${path}`);
  stream(res, path);
});
app.get('/slow/*', (res, req) => {
  const path = req.getUrl();
  count(`GET ${path}`);
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  setTimeout(() => {
    if (!gone) res.cork(() => answer(res, path));
  }, slowMs);
});
app.get('/*', (res, req) => {
  const path = req.getUrl();
  const query = req.getQuery();
  count(`GET ${path}${query ? `?${query}` : ''}`);
  answer(res, path);
});
app.post('/*', (res, req) => {
  const path = req.getUrl();
  let body = '';
  res.onAborted(() => {});
  res.onData((chunk, isLast) => {
    body += Buffer.from(chunk).toString('latin1');
    if (!isLast) return;
    count(`POST ${path} ${body}`);
    res.cork(() => answer(res, path === '/price' ? calculatorName(JSON.parse(body)) : path));
  });
});
app.listen('127.0.0.1', port, (socket) => {
  if (!socket) process.exit(1);
});
