// A process of its own that applies one set after another over one keep-alive connection, as a
// deploy script would: what it costs to send a set and to read the answer does not hold up the
// clients whose latency is measured. Told how many by its arguments; a line of JSON for each apply.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from './figures.mjs';
import { shapeDefinitions } from './shape-definitions.mjs';

const [, , adminPort, token, applies, everyMs] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

for (let shape = 1; shape <= Number(applies); shape++) {
  const body = JSON.stringify(shapeDefinitions(shape));
  const calledMs = nowMs();
  const report = await apply(body);
  const answeredMs = nowMs();
  process.stdout.write(`${JSON.stringify({ shape, calledMs, answeredMs, report })}\n`);
  await sleep(Math.max(0, Number(everyMs) - (nowMs() - calledMs)));
}
agent.destroy();

function apply(body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, port: adminPort, method: 'PUT', path: '/v1/definitions', headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
