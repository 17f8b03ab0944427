// Large bodies through a slow peer, both ways, with and without a length: the gateway holds at
// most a few chunks of each, so its memory stays where it is when nothing runs.
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from './kit/figures.mjs';
import { Gates, printTable } from './kit/gates.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { residentBytes, startServer } from './kit/processes.mjs';

const port = 19_040;
const adminPort = 19_041;
const originPort = 19_042;
const mib = 2 ** 20;
const growthMibMax = 64;

/** A slow reader: so much, then a rest; and once, in the middle, it stops altogether. */
const readBytes = 4 * mib;
const restMs = 40;
const stallMs = 3_000;
const sampleMs = 50;
const settleMs = 2_000;

const block = Buffer.alloc(64 * 1024, 'x');
const chunk = Buffer.concat([Buffer.from('10000\r\n'), block, Buffer.from('\r\n')]);

export async function transfer({ mebibytes, say }) {
  const total = mebibytes * mib;
  const origin = await startOrigin(total);
  const definitions = {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
  };
  const place = cutover(benchFolder(), port, adminPort, definitions);
  const gateway = await startServer({ ...place, core: null });
  const gates = new Gates();
  const cases = [];
  try {
    await warmUp();
    for (const [name, run] of [
      ['download, sized', () => download('/down-sized', total)],
      ['download, chunked', () => download('/down-chunked', total)],
      ['upload, sized', () => upload(origin, total, 'sized')],
      ['upload, chunked', () => upload(origin, total, 'chunked')],
    ]) {
      say(`${name}: ${mebibytes} MiB`);
      cases.push(await measured(name, gateway.pid, run));
    }
  } finally {
    await gateway.stop();
    origin.close();
  }
  for (const { name, moved, idleMib, peakMib } of cases) {
    gates.atLeast(`${name}: MiB that arrived`, moved / mib, mebibytes);
    gates.atMost(`${name}: MiB over idle at the most`, peakMib - idleMib, growthMibMax);
  }
  printTable(
    ['case', 's', 'idle MiB', 'most MiB'],
    cases.map(({ name, seconds, idleMib, peakMib }) => [name, seconds, idleMib, peakMib]),
  );
  return { gates, cases };
}

/** Memory before, and at the most while it runs. */
async function measured(name, pid, run) {
  await sleep(settleMs);
  const idle = residentBytes(pid);
  let peak = idle;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, sampleMs);
  const beganMs = nowMs();
  const moved = await run();
  const seconds = Math.round((nowMs() - beganMs) / 1000);
  clearInterval(timer);
  return { name, moved, seconds, idleMib: Math.round(idle / mib), peakMib: Math.round(peak / mib) };
}

/** A thousand small exchanges, so that idle means a gateway that has worked. */
async function warmUp() {
  for (let i = 0; i < 1000; i++) await (await fetch(`http://127.0.0.1:${port}/small`)).text();
}

/** Counts what it reads, slowly, beyond what is there already; resolves at the end or at `total`. */
function readSlowly(socket, total, there = 0) {
  let bytes = there;
  let sinceRest = 0;
  let stalled = false;
  return new Promise((resolve) => {
    socket.on('data', (part) => {
      bytes += part.length;
      sinceRest += part.length;
      if (bytes >= total) resolve(bytes);
      if (sinceRest < readBytes) return;
      sinceRest = 0;
      socket.pause();
      const stallNow = !stalled && bytes > total / 2;
      stalled ||= stallNow;
      setTimeout(() => socket.resume(), stallNow ? stallMs : restMs);
    });
    socket.on('close', () => resolve(bytes));
  });
}

async function download(path, total) {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  const bytes = await readSlowly(socket, total);
  socket.destroy();
  return bytes;
}

async function upload(origin, total, framing) {
  const socket = connect({ host: '127.0.0.1', port });
  const length = framing === 'sized' ? `Content-Length: ${total}` : 'Transfer-Encoding: chunked';
  const arrived = origin.nextUpload();
  socket.write(`POST /up HTTP/1.1\r\nHost: bench\r\n${length}\r\n\r\n`);
  await send(socket, total, framing);
  const bytes = await arrived;
  socket.destroy();
  return bytes;
}

/** As fast as the other side takes it. */
async function send(socket, total, framing) {
  const piece = framing === 'sized' ? block : chunk;
  for (let sent = 0; sent < total; sent += block.length) {
    if (socket.destroyed) return;
    if (!socket.write(piece)) await drained(socket);
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
}

function drained(socket) {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

/** Sends as fast as it may, reads slowly. */
async function startOrigin(total) {
  let onUpload = () => {};
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', function onHead(part) {
      const head = part.toString('latin1', 0, 2048);
      if (head.startsWith('POST')) {
        socket.off('data', onHead);
        const there = part.length - (part.indexOf('\r\n\r\n') + 4);
        void readSlowly(socket, total, there).then((bytes) => {
          onUpload(bytes);
          socket.end('HTTP/1.1 204 No Content\r\n\r\n');
        });
      } else void answer(socket, head);
    });
  });
  await new Promise((resolve) => {
    server.listen(originPort, '127.0.0.1', resolve);
  });
  return {
    close: () => server.close(),
    nextUpload: () =>
      new Promise((resolve) => {
        onUpload = resolve;
      }),
  };

  async function answer(socket, head) {
    if (head.includes('/down-sized')) {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      await send(socket, total, 'sized');
    } else if (head.includes('/down-chunked')) {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      await send(socket, total, 'chunked');
    } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  }
}
