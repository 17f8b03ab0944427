import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder } from './processes.mjs';

/**
 * One run of wrk from `core`. `post`: bytes of a body to POST; `close`: a connection per request.
 * Gives requests per second, latencies in ms, and how many requests failed or were answered with
 * another status than 2xx or 3xx. `lua`: lines that go into its script.
 */
export async function runWrk({
  url,
  core,
  seconds,
  connections = 64,
  post = 0,
  close = false,
  lua = '',
}) {
  const args = ['-c', String(core), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  const folder = benchFolder();
  const script = join(folder, 'request.lua');
  writeFileSync(script, `${luaScript(post)}\n${lua}`);
  args.push('-s', script);
  if (close) args.push('-H', 'Connection: close');
  args.push(url);
  const text = await outputOf('taskset', args);
  rmSync(folder, { recursive: true, force: true });
  const json = /^RESULT (.*)$/m.exec(text);
  if (json === null) throw new Error(`wrk said:\n${text}`);
  return JSON.parse(json[1]);
}

function luaScript(post) {
  const body =
    post === 0
      ? ''
      : `wrk.method = "POST"\nwrk.body = string.rep("x", ${post})\nwrk.headers["Content-Type"] = "application/octet-stream"\n`;
  return `${body}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"perSecond":%.1f,"requests":%d,"p50Ms":%.3f,"p99Ms":%.3f,"failed":%d,"otherStatus":%d}\\n',
    summary.requests / (summary.duration / 1e6), summary.requests,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.timeout, e.status))
end
`;
}

function outputOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}:\n${text}`)),
    );
  });
}
