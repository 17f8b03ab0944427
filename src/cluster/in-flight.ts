/** Calls and bytes that may be under way at once. */
export interface InFlightBounds {
  readonly callCountMax: number;
  readonly bytesMax: number;
}

/** Counts what is under way. What does not fit is refused at once: nothing queues here. */
export class InFlight {
  readonly #bounds: InFlightBounds;
  #calls = 0;
  #bytes = 0;

  constructor(bounds: InFlightBounds) {
    this.#bounds = bounds;
  }

  get calls(): number {
    return this.#calls;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: it does not fit, and was not taken. A call larger than all of it fits when it is alone. */
  take(bytes: number): boolean {
    const { callCountMax, bytesMax } = this.#bounds;
    if (this.#calls >= callCountMax) return false;
    if (this.#calls > 0 && this.#bytes + bytes > bytesMax) return false;
    this.#calls += 1;
    this.#bytes += bytes;
    return true;
  }

  free(bytes: number): void {
    this.#calls -= 1;
    this.#bytes -= bytes;
  }
}
