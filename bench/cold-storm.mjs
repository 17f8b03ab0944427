// profiles/cold-storm.yaml says what this does and what it must show.
import { nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { getRequest, KeepAlive } from './kit/keep-alive.mjs';
import { bodyOf } from './kit/origin-bodies.mjs';
import { port, startProfile } from './kit/profile.mjs';

const clientCount = 1_000;
const storms = [
  { name: 'one key', keyCount: 1 },
  { name: '100 keys', keyCount: 100 },
];

export async function coldStorm({ small, say }) {
  const rounds = small ? 2 : 5;
  const { origin, stop } = await startProfile('cold-storm', ['workers=2']);
  const clients = Array.from({ length: clientCount }, () => new KeepAlive(port));
  const seen = [];
  try {
    await Promise.all(clients.map((client) => client.opened()));
    for (let index = 0; index < rounds; index++) {
      for (const storm of storms) {
        say(`${clientCount} clients on ${storm.name}, round ${index + 1} of ${rounds}`);
        seen.push({ ...storm, ...(await storming(clients, origin, storm, index)) });
      }
    }
  } finally {
    for (const client of clients) client.close();
    await stop();
  }
  print(seen);
  return { gates: judge(seen), seen };
}

async function storming(clients, origin, { keyCount }, index) {
  await origin.reset();
  const paths = Array.from({ length: keyCount }, (_, key) => `/slow/${keyCount}-${index}/${key}`);
  const beganMs = nowMs();
  const doneMs = [];
  const responses = await Promise.all(
    clients.map(async (client, at) => {
      const response = await client.fetch(getRequest(paths[at % keyCount]));
      doneMs.push(nowMs() - beganMs);
      return response;
    }),
  );
  const whole = responses.filter(
    (response, at) => response?.status === 200 && response.body === bodyOf(paths[at % keyCount], 1),
  ).length;
  const { total, byKey } = await origin.counts();
  const once = paths.filter((path) => byKey[`GET ${path}`] === 1).length;
  return { whole, total, once, doneMs };
}

function judge(seen) {
  const gates = new Gates();
  for (const { name, keyCount } of storms) {
    const runs = seen.filter((run) => run.name === name);
    const keys = runs.length * keyCount;
    const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
    gates.atLeast(`${name}: keys that the origin was asked for exactly once`, sum('once'), keys);
    gates.atMost(`${name}: requests at the origin`, sum('total'), keys);
    gates.atLeast(`${name}: whole answers`, sum('whole'), runs.length * clientCount);
  }
  return gates;
}

function print(seen) {
  printTable(
    ['cold storm', 'clients', 'keys', 'whole answers', 'at the origin', 'p50 ms', 'slowest ms'],
    seen.map(({ name, keyCount, whole, total, doneMs }) => [
      name,
      clientCount,
      keyCount,
      whole,
      total,
      round(percentile(doneMs, 0.5)),
      round(Math.max(...doneMs)),
    ]),
  );
}
