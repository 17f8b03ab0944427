// A process of its own: an origin that says who it is and what it was told, in every response, so
// that a client sees whether request policy, upstream and response policy came from one revision.
// It reads requests without bodies by the letter, since it shares the machine with what is measured.
//
//   /shape      at once
//   /slow       after 300 ms
//   /stream     40 chunks of 1,000 bytes in 2 s
import { createServer } from 'node:net';

const [, , port, name] = process.argv;
const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`;
const chunkCount = 40;
const chunkEveryMs = 50;
const slowMs = 300;

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (part) => {
    text += part;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      answer(socket, text.slice(0, end + 2));
      text = text.slice(end + 4);
    }
  });
});
server.listen(Number(port), '127.0.0.1');

function answer(socket, head) {
  const from = head.indexOf('\r\nx-told: ') + 10;
  const told = from < 10 ? 'nothing' : head.slice(from, head.indexOf('\r\n', from));
  const first = `HTTP/1.1 200 OK\r\nx-origin: ${name}\r\nx-told: ${told}\r\n`;
  if (head.startsWith('GET /slow ')) {
    setTimeout(() => socket.write(`${first}content-length: 14\r\n\r\nslow but whole`), slowMs);
  } else if (head.startsWith('GET /stream ')) stream(socket, first);
  else socket.write(`${first}content-length: 2\r\n\r\nok`);
}

function stream(socket, first) {
  socket.write(`${first}transfer-encoding: chunked\r\n\r\n`);
  let left = chunkCount;
  const timer = setInterval(() => {
    left -= 1;
    socket.write(left > 0 ? chunk : `${chunk}0\r\n\r\n`);
    if (left === 0) clearInterval(timer);
  }, chunkEveryMs);
  socket.once('close', () => clearInterval(timer));
}
