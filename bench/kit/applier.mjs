// A process of its own that applies one set after another over one keep-alive connection, as a
// deploy script would: what it costs to send a set and to read the answer does not hold up the
// clients whose latency is measured. Each line of its input is a number of applies to make; a line
// of JSON comes out for each of them, and `ready` first, when it has made a call that changes nothing.
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from './figures.mjs';
import { shapeDefinitions } from './shape-definitions.mjs';

const [, , adminPort, token, everyMs] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let shape = 0;

await call('GET');
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  for (const last = shape + Number(line); shape < last; ) {
    shape += 1;
    const body = JSON.stringify(shapeDefinitions(shape));
    const calledMs = nowMs();
    const report = await call('PUT', body);
    const answeredMs = nowMs();
    process.stdout.write(`${JSON.stringify({ shape, calledMs, answeredMs, report })}\n`);
    await sleep(Math.max(0, Number(everyMs) - (nowMs() - calledMs)));
  }
}
agent.destroy();

function call(method, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, port: adminPort, method, path: '/v1/definitions', headers },
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
