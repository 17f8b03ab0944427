// A process in another network: takes connections on HOST and hands them to PORT of the loopback
// there. Prints its own port, and ends with its standard input.
import { connect, createServer } from 'node:net';

const [, , host, port] = process.argv;

const server = createServer((client) => {
  const there = connect({ host: '127.0.0.1', port: Number(port) });
  client.pipe(there).pipe(client);
  client.on('error', () => there.destroy());
  there.on('error', () => client.destroy());
});
server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
