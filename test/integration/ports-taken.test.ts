// Goal: a port that something else has is said to be so, with the way out, and ends the start.
// Method: a second gateway is told to use the ports of a first one, which goes on serving.
import { expect, onTestFinished, test } from 'vitest';
import { Gateway, GatewayRefused } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

const definitions = {
  routes: [{ id: 'say', match: { path: '/say' }, respond: { body: 'first' } }],
};

async function startFirst(): Promise<Gateway> {
  const first = await Gateway.start({ definitions, set: ['workers=1'] });
  onTestFinished(() => first.kill());
  return first;
}

async function refusalOf(set: string): Promise<GatewayRefused> {
  const second = await Gateway.start({ set: ['workers=1', set] }).catch((error) => error);
  if (second instanceof Gateway) onTestFinished(() => second.kill());
  expect(second).toBeInstanceOf(GatewayRefused);
  return second;
}

test('the port that another gateway listens on is refused, not shared', async () => {
  const first = await startFirst();
  const { exitCode, output } = await refusalOf(`listen.port=${first.port}`);
  expect(exitCode).toBe(1);
  expect(output).toContain(`127.0.0.1:${first.port} cannot be listened on`);
  expect(output).toContain('--set listen.port=PORT');
  for (let i = 0; i < 8; i++) {
    expect((await exchange(first.port, get('/say'))).body).toBe('first');
  }
});

test('the admin port of another gateway is refused, with the setting that moves it', async () => {
  const first = await startFirst();
  const { port } = new URL(first.adminUrl);
  const { exitCode, output } = await refusalOf(`admin.port=${port}`);
  expect(exitCode).toBe(1);
  expect(output).toMatch(new RegExp(`admin interface cannot listen on 127.0.0.1:${port} .*in use`));
  expect(output).toContain('--set admin.port=PORT');
});
