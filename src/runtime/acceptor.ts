import { assert } from '../base/assert.ts';
import { CutoverError } from '../base/errors.ts';
import { receiveBytesMax } from '../base/limits.ts';
import { boundReceiving, guardRequests } from '../base/native.ts';
import {
  type LinkedApp,
  listenExclusively,
  loadUws,
  type TemplatedApp,
  type UwsModule,
  type us_listen_socket,
} from '../base/uws.ts';

/**
 * The door: accepts connections and deals them to the workers' apps in turn. While there is no
 * worker, a connection gets a 503 here.
 */
export class Acceptor {
  readonly #uws: UwsModule = loadUws();
  readonly #app: TemplatedApp & LinkedApp;
  #socket: us_listen_socket | null = null;
  /** Whether requests are read strictly before uWebSockets.js sees them. */
  readonly strict: boolean;

  /** `headBytesMax`: of a request's head, in bytes. */
  constructor(headBytesMax: number) {
    // For all threads at once, and before the first connection is accepted.
    this.strict = guardRequests(headBytesMax);
    this.#uws._cfg('silent');
    this.#app = this.#uws.App() as TemplatedApp & LinkedApp;
    this.#app.any('/*', (res) => {
      res.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end('', true);
    });
  }

  /** Resolves to the port, which is one of the system's choice for port 0. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // Else two gateways on one port share its connections, and neither says so.
      this.#app.listen(host, port, listenExclusively, (socket) => {
        if (socket) {
          this.#socket = socket;
          boundReceiving(receiveBytesMax);
          resolve(this.#uws.us_socket_local_port(socket));
          return;
        }
        const message = `${host}:${port} cannot be listened on; is something else using it? Choose another with --set listen.port=PORT`;
        reject(new CutoverError('listen-failed', message, { source: 'operator' }));
      });
    });
  }

  add(descriptor: unknown): void {
    this.#app.addChildAppDescriptor(descriptor);
  }

  /** At once when a worker dies: connections dealt to it meanwhile are lost. */
  remove(descriptor: unknown): void {
    this.#app.removeChildAppDescriptor(descriptor);
  }

  /** No new connections; those that are open stay. */
  stopListening(): void {
    if (this.#socket === null) return;
    this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  close(): void {
    assert(this.#socket === null, 'the acceptor stops listening before it closes');
    this.#app.close();
  }
}
