/**
 * Whether an order goes through: one word per order, shared by who gave it and who carries it out,
 * so that both always agree, however late either of them is.
 *
 *   open ──► taken       by control, just before it publishes: from then on the order is done
 *     └────► withdrawn   by the manager, which waits no longer: from then on nothing comes of it
 *
 * One compare and exchange decides; whoever comes second sees what the first one did.
 */
export type Claim = Int32Array<SharedArrayBuffer>;

const state = { open: 0, taken: 1, withdrawn: 2 } as const;

export function createClaim(): Claim {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Control: false when the order was withdrawn. */
export function takeClaim(claim: Claim): boolean {
  return Atomics.compareExchange(claim, 0, state.open, state.taken) === state.open;
}

/** The manager: false when the order is being done already. */
export function withdrawClaim(claim: Claim): boolean {
  return Atomics.compareExchange(claim, 0, state.open, state.withdrawn) === state.open;
}
