// A process of its own: an origin that says who it is and what it was told, in every response, so
// that a client sees whether request policy, upstream and response policy came from one revision.
//
//   /shape      at once
//   /slow       after 300 ms
//   /stream     40 chunks of 1,000 bytes in 2 s
import { createServer } from 'node:http';

const [, , port, name] = process.argv;
const chunk = 'x'.repeat(1000);

const server = createServer((request, response) => {
  response.setHeader('x-origin', name);
  response.setHeader('x-told', request.headers['x-told'] ?? 'nothing');
  if (request.url === '/slow') {
    setTimeout(() => response.end('slow but whole'), 300);
  } else if (request.url === '/stream') {
    let left = 40;
    const timer = setInterval(() => {
      response.write(chunk);
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      response.end();
    }, 50);
    response.on('close', () => clearInterval(timer));
  } else {
    response.end('ok');
  }
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1');
