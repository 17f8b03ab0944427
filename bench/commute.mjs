// profiles/commute.yaml says what this does and what it must show.
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { openProbes, watch } from './kit/probes.mjs';
import { port, startProfile } from './kit/profile.mjs';

const perSecond = 4_000;
const lines = 50;
const stops = 20;
const hitShareMin = 0.97;
const visibleMsMax = 20;
/** Probes watch the line for so long before and after its bust. */
const watchMs = 60;
/** Between two disturbances. */
const pauseMs = 60;

export async function commute({ small, say }) {
  const seconds = small ? 5 : 20;
  const { origin, admin, stop } = await startProfile('commute', ['workers=2']);
  const probes = await openProbes(port);
  try {
    const workload = { name: 'commute', lines, stops, exponent: 1 };
    say(`asking for each of ${lines * stops} departures once`);
    await warmUp({ port, count: lines * stops, workload });
    await origin.reset();
    say(`${perSecond} lookups a second for ${seconds} s, disturbances in the middle`);
    const load = pace({ port, connections: 64, seconds, rate: perSecond, workload });
    await sleep((seconds * 1000) / 4);
    const busts = await disturb({ origin, admin, probes, untilMs: nowMs() + seconds * 500 });
    const seen = await load;
    const probed = busts.reduce((sum, { samples }) => sum + samples.flat().length, 0);
    const figures = figuresOf({ seen, busts, probed, atOrigin: await origin.total() });
    print(figures);
    return { gates: judge(figures), ...figures };
  } finally {
    for (const probe of probes) probe.close();
    await stop();
  }
}

/** Disturbs line after line while the load runs, and watches each. */
async function disturb({ origin, admin, probes, untilMs }) {
  const busts = [];
  for (let line = 0; nowMs() < untilMs; line = (line + 1) % lines) {
    let over = false;
    const watching = watch(probes, `/departures/line${line}/stop0`, () => over);
    await sleep(watchMs);
    const { version } = await origin.publish(`line${line}`);
    const calledMs = nowMs();
    const answer = await admin('POST', '/v1/cache/bust', { tags: [`line-line${line}`] });
    const answeredMs = nowMs();
    await sleep(watchMs);
    over = true;
    busts.push({ version, calledMs, answeredMs, answer, samples: await watching });
    await sleep(pauseMs);
  }
  return busts;
}

function figuresOf({ seen, busts, probed, atOrigin }) {
  const visibleMs = busts.map(({ version, calledMs, samples }) =>
    Math.max(
      ...samples.map((probe) => {
        const first = probe.find((one) => one.version === version && one.doneMs >= calledMs);
        return first === undefined ? Number.POSITIVE_INFINITY : first.doneMs - calledMs;
      }),
    ),
  );
  const staleAfter = busts.reduce(
    (sum, { version, answeredMs, samples }) =>
      sum +
      samples.flat().filter((one) => one.sentMs >= answeredMs && one.version !== version).length,
    0,
  );
  const requests = seen.answered + probed;
  return {
    seen,
    requests,
    atOrigin,
    bustCount: busts.length,
    hitShare: 1 - atOrigin / requests,
    visibleMs,
    callMs: busts.map(({ calledMs, answeredMs }) => answeredMs - calledMs),
    staleAfter,
  };
}

function judge({ seen, hitShare, visibleMs, staleAfter, bustCount }) {
  const gates = new Gates();
  gates.atLeast('hits, of all lookups', hitShare, hitShareMin);
  gates.atLeast('disturbances in the middle of it', bustCount, 3);
  gates.atMost(
    'bust call to new in every probe, p99 ms',
    percentile(visibleMs, 0.99),
    visibleMsMax,
  );
  gates.atMost('old answers to what was sent after a bust call returned', staleAfter, 0);
  const { wrong, lost, otherStatus, unanswered } = seen;
  gates.atMost('answers that were wrong or torn', wrong, 0);
  gates.atMost('requests lost, refused or unanswered', lost + otherStatus + unanswered, 0);
  return gates;
}

function print({ seen, requests, atOrigin, bustCount, hitShare, visibleMs, callMs }) {
  const ms = (values) => [0.5, 0.99, 1].map((share) => round(percentile(values, share))).join(', ');
  printTable(
    ['commute', ''],
    [
      ['lookups a second', Math.round(seen.perSecond)],
      ['lookups, with the probes', requests],
      ['requests at the origin', atOrigin],
      ['hits, %', round(hitShare * 100)],
      ['lines disturbed', bustCount],
      ['bust call to its answer, p50, p99, most ms', ms(callMs)],
      ['bust call to new in every probe, p50, p99, most ms', ms(visibleMs)],
      ['lookup, p50, p99 ms from when it was due', `${round(seen.p50Ms)}, ${round(seen.p99Ms)}`],
    ],
  );
}
