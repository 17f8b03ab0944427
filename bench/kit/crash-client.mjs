// A process of its own that applies one set after another without a pause, until the gateway is
// gone, and asks for a response meanwhile. It tells what it did and saw, one line of JSON each, at
// once: what it has written down outlives whatever happens to the gateway.
//
//   {"sent":7}                                      before the call that applies shape 7
//   {"acknowledged":7,"revision":9,"hash":"…"}      its whole answer has come
//   {"refused":7,"answer":{…}}                      another answer than `applied`
//   {"seen":{"revision":9,"shape":7,…}}             a response unlike the one before
import { Agent, request } from 'node:http';
import { ballastDefinitions } from './crash-definitions.mjs';
import { ShapeClient } from './shape-client.mjs';

const [, , port, adminPort, token, firstShape] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

let last = '';
const client = new ShapeClient({
  port: Number(port),
  path: '/shape',
  thinkMs: 1,
  report({ kind, revision, shape, told, origin }) {
    const seen = { revision: Number(revision), shape: Number(shape), told: Number(told), origin };
    const line = JSON.stringify({ seen });
    if (kind !== 'answered' || line === last) return;
    last = line;
    process.stdout.write(`${line}\n`);
  },
});

for (let shape = Number(firstShape); ; shape++) {
  const body = JSON.stringify(ballastDefinitions(shape));
  tell({ sent: shape });
  const answer = await apply(body).catch(() => null);
  if (answer === null) break;
  const { outcome, revision, hash } = answer;
  tell(
    outcome === 'applied' ? { acknowledged: shape, revision, hash } : { refused: shape, answer },
  );
}
agent.destroy();
await client.stop();

/** The answer, once all of it has come; an error when it was cut. */
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
        response.on('error', reject);
        response.on('end', () => resolve(JSON.parse(text)));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
