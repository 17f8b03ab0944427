/**
 * What a slow client has not taken yet of a response that others wait for: the fetch goes on at the
 * origin's pace, and the client is served from here at its own. Bounded by the largest response
 * that is stored; past that the fetch waits for the client after all.
 */
export class ClientBacklog {
  /** The origin is done: when the backlog is empty, so is the response. */
  ended = false;
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Keeps a copy. False: no more until it was drained. */
  add(chunk: Buffer): boolean {
    this.#pieces.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    return this.#bytes < this.#bytesMax;
  }

  /** Hands pieces on until the client takes no more. True: it took all and takes more. */
  drain(send: (chunk: Buffer) => boolean): boolean {
    while (true) {
      const piece = this.#pieces.shift();
      if (piece === undefined) return true;
      this.#bytes -= piece.length;
      if (!send(piece)) return false;
    }
  }
}
