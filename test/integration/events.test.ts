// Goal: who watches sees what happens, figures, and probes that tell the truth.
// Method: one gateway; its event stream, its probes and its metrics are read while things happen.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({ definitions: saying('one') });
});

afterAll(async () => {
  await gateway.stop();
});

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

interface Event {
  readonly id: number;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  readonly data: any;
}

/** Reads the stream until it ends or the test closes it. */
async function watch(): Promise<{ events: Event[]; status: number; close: () => void }> {
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${gateway.token}` };
  const response = await fetch(`${gateway.adminUrl}/v1/events`, { headers, signal: stop.signal });
  const events: Event[] = [];
  void (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const match = /^id: (\d+)\nevent: (.+)\ndata: (.+)$/.exec(text.slice(0, end));
        text = text.slice(end + 2);
        if (match === null) continue;
        const [, id, event = '', data = ''] = match;
        events.push({ id: Number(id), event, data: JSON.parse(data) });
      }
    }
  })().catch(() => undefined);
  return { events, status: response.status, close: () => stop.abort() };
}

describe('the event stream', () => {
  test('tells of an apply with its revision, author and note', async () => {
    const { events, close } = await watch();
    const { revision } = (
      await gateway.admin('PUT', '/v1/definitions?note=why', saying('two'), { 'x-author': 'ada' })
    ).body;
    await until('it is told', () => events.some(({ event }) => event === 'applied'));
    const applied = events.find(({ event }) => event === 'applied')?.data;
    expect(applied).toMatchObject({ revision, outcome: 'applied', author: 'ada', note: 'why' });
    expect(applied.timings.switchedMs).toBeGreaterThan(0);
    close();
  });

  test('tells figures and numbers its events', async () => {
    const { events, close } = await watch();
    await until('figures come twice', () => events.length >= 2);
    expect(events.map(({ event }) => event)).toEqual(events.map(() => 'figures'));
    expect(events[0]?.data.workers[0]).toMatchObject({ id: 0, state: 'ready' });
    expect(events[0]?.data.generations.at(-1)).toMatchObject({ state: 'active', pinned: 0 });
    expect(events[1]?.id).toBe((events[0]?.id ?? 0) + 1);
    close();
  });

  test('tells of a generation that is retired, with its ledger', async () => {
    const { events, close } = await watch();
    const { revision } = await gateway.apply(saying('to be retired'));
    await exchange(gateway.port, get('/say'));
    for (let i = 0; i < 4; i++) await gateway.apply(saying(`later ${i}`));
    const found = () =>
      events.find(({ event, data }) => event === 'retired' && data.revision === revision);
    await until('it is told', () => found() !== undefined);
    expect(found()?.data).toMatchObject({ balanced: true, ledger: { accepted: 1, completed: 1 } });
    close();
  });

  test('is for 64 clients; the next is told so, and one that leaves makes room', async () => {
    const watchers = await Promise.all(Array.from({ length: 64 }, () => watch()));
    expect(new Set(watchers.map(({ status }) => status))).toEqual(new Set([200]));
    const { status, body } = await gateway.admin('GET', '/v1/events');
    expect([status, body.status]).toEqual([503, 503]);
    for (const { close } of watchers) close();
    await until('there is room', async () => {
      const { status: again, close } = await watch();
      close();
      return again === 200;
    });
  });
});

describe('probes', () => {
  test('say alive and ready', async () => {
    const alive = await fetch(`${gateway.adminUrl}/livez`);
    expect([alive.status, await alive.json()]).toEqual([200, { alive: true }]);
    const ready = await fetch(`${gateway.adminUrl}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reason: null }]);
  });
});

describe('metrics', () => {
  async function metrics(): Promise<string> {
    return (await fetch(`${gateway.adminUrl}/metrics`)).text();
  }

  test('count requests by route and status', async () => {
    await gateway.apply({
      routes: [
        { id: 'counted', match: { path: '/counted' }, respond: { status: 201, body: '12345' } },
      ],
    });
    for (let i = 0; i < 3; i++) await exchange(gateway.port, get('/counted'));
    const text = await metrics();
    expect(text).toContain('cutover_requests_total{route="counted",status="2xx"} 3\n');
    expect(text).toContain('cutover_request_seconds_count{route="counted"} 3\n');
    expect(text).toContain('cutover_request_seconds_bucket{route="counted",le="+Inf"} 3\n');
    expect(text).toContain('cutover_sent_bytes_total{route="counted"} 15\n');
  });

  test('tell the active revision and what is loaded', async () => {
    const { revision } = await gateway.apply(saying('measured'));
    const text = await metrics();
    expect(text).toContain(`\ncutover_revision ${revision}\n`);
    expect(text).toMatch(/\ncutover_generations_loaded [1-4]\n/);
  });

  test('have each metric once, with help and type before its samples', async () => {
    const lines = (await metrics()).trimEnd().split('\n');
    const helps = lines.filter((line) => line.startsWith('# HELP ')).map((l) => l.split(' ')[2]);
    expect(new Set(helps).size).toBe(helps.length);
    let current = '';
    for (const line of lines) {
      if (line.startsWith('#')) current = line.split(' ')[2] ?? '';
      else expect(line.startsWith(current)).toBe(true);
    }
  });
});
