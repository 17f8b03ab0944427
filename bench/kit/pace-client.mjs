// A process of its own: asks at a steady rate over keep-alive connections and checks every byte
// that comes back. Latency counts from when a request was due, so that a stall does not hide the
// requests that it held up. Told what by its argument, in JSON; one line of JSON at the end.
//
//   port, connections, seconds, rate (requests/s; 0: as fast as it goes), workload, requests (stop
//   after so many; 0: no limit), reconnect (open another connection for one that was closed)
import { nowMs, percentile } from './figures.mjs';
import { KeepAlive } from './keep-alive.mjs';
import { workload } from './workloads.mjs';

const plan = { rate: 0, requests: 0, reconnect: false, ...JSON.parse(process.argv[2]) };
/** What is still out at the end gets so long. */
const lastMs = 5_000;
const reconnectMs = 20;

const next = workload(plan.workload);
const seen = {
  sent: 0,
  answered: 0,
  lost: 0,
  /** Of those, with a body that comes in pieces. */
  lostLarge: 0,
  wrong: 0,
  otherStatus: 0,
  /** Of those, because no worker is there. */
  unavailable: 0,
  wrongs: [],
};
const latencies = [];
const idle = [];
let open = 0;
let waiting = [];
let slowestOutMs = 0;

function limitReached() {
  return plan.requests > 0 && seen.sent >= plan.requests;
}

function ask(connection, dueMs) {
  const item = next();
  seen.sent += 1;
  connection.send(item.request, (response) => {
    const tookMs = nowMs() - dueMs;
    take(item, response);
    if (response !== null) latencies.push(tookMs);
    slowestOutMs = Math.max(slowestOutMs, tookMs);
    if (connection.closed) void replace();
    else free(connection);
  });
}

function take(item, response) {
  if (response === null) {
    seen.lost += 1;
    if (item.large) seen.lostLarge += 1;
  } else if (response.status !== 200) {
    seen.otherStatus += 1;
    if (response.status === 503) seen.unavailable += 1;
    if (seen.wrongs.length < 5) seen.wrongs.push(response.head.slice(0, 200));
  } else {
    seen.answered += 1;
    if (item.isRight(response)) return;
    seen.wrong += 1;
    if (seen.wrongs.length < 5) seen.wrongs.push(`${item.request} ${response.body.slice(0, 200)}`);
  }
}

function free(connection) {
  if (over) return;
  if (waiting.length > 0) ask(connection, waiting.shift());
  else if (plan.rate === 0 && !limitReached()) {
    // In a turn of its own: a connection that is refused must not run down the stack.
    setImmediate(() => {
      if (!over && !limitReached()) ask(connection, nowMs());
    });
  } else idle.push(connection);
}

async function replace() {
  open -= 1;
  if (!plan.reconnect || over) return;
  await new Promise((resolve) => setTimeout(resolve, reconnectMs));
  if (!over) await add();
}

async function add() {
  const connection = new KeepAlive(plan.port);
  await connection.opened();
  open += 1;
  if (connection.closed) void replace();
  else free(connection);
}

let over = false;
const beganMs = nowMs();
await Promise.all(Array.from({ length: plan.connections }, add));
const fromMs = nowMs();
let due = 0;
while (nowMs() - fromMs < plan.seconds * 1000) {
  if (plan.rate > 0) {
    const wanted = ((nowMs() - fromMs) * plan.rate) / 1000;
    for (; due < wanted && (plan.requests === 0 || due < plan.requests); due++) {
      const dueMs = fromMs + (due * 1000) / plan.rate;
      const connection = idle.pop();
      if (connection === undefined) waiting.push(dueMs);
      else if (connection.closed) void replace();
      else ask(connection, dueMs);
    }
  }
  const finished = seen.answered + seen.lost + seen.otherStatus;
  if (plan.requests > 0 && finished >= plan.requests) break;
  if (open === 0 && !plan.reconnect) break;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
const seconds = (nowMs() - fromMs) / 1000;
const answeredInTime = seen.answered;
over = true;
waiting = [];
const untilMs = nowMs() + lastMs;
const out = () => seen.sent - seen.answered - seen.lost - seen.otherStatus;
while (out() > 0 && nowMs() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
process.stdout.write(
  `${JSON.stringify({
    ...seen,
    unanswered: out(),
    seconds,
    connectMs: fromMs - beganMs,
    perSecond: answeredInTime / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    slowestMs: slowestOutMs,
  })}\n`,
);
process.exit(0);
