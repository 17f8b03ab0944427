import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

/** A request as an origin saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Names and values in order, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Origin {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  /** Connections that were ever opened to it. */
  connectionCount(): number;
  openConnectionCount(): number;
  close(): Promise<void>;
}

/** An HTTP origin that keeps what it saw; `answer` gets the request when its body is complete. */
export async function startOrigin(
  answer: (request: SeenRequest, response: ServerResponse) => void = (_request, response) => {
    response.end('origin');
  },
): Promise<Origin> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => response.destroy());
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const body = Buffer.concat(chunks).toString('latin1');
      const one = { method, url, headers, rawHeaders, body };
      seen.push(one);
      answer(one, response);
    });
  });
  return { ...(await listen(server)), seen };
}

/** An origin that speaks bytes: `serve` gets each connection. */
export async function startRawOrigin(
  serve: (socket: Socket) => void,
): Promise<Omit<Origin, 'seen'>> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  return listen(server);
}

/** An origin that sends the same bytes for each request head that comes. */
export function startBytesOrigin(
  bytes: string,
  { close = false }: { readonly close?: boolean } = {},
): ReturnType<typeof startRawOrigin> {
  return startRawOrigin((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4);
        if (close) socket.end(bytes, 'latin1');
        else socket.write(bytes, 'latin1');
      }
    });
  });
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const origin = await startRawOrigin(() => {});
  await origin.close();
  return origin.port;
}

async function listen(server: Server | ReturnType<typeof createTcpServer>) {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connectionCount: () => count,
    openConnectionCount: () => sockets.size,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
