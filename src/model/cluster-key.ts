import { createHash, createHmac } from 'node:crypto';

/**
 * What nodes of one cluster sign by. Without a secret of its own it tells them from those of another
 * cluster, and no more.
 */
export function clusterKeyOf(name: string, secret: string | null): Buffer {
  return createHash('sha256')
    .update(secret ?? `cutover cluster ${name}`)
    .digest();
}

/** Where callers lie in the table of rate limits: alike on all nodes, and told to nobody else. */
export function limitSeedOf(clusterKey: Buffer): Buffer {
  return createHmac('sha256', clusterKey).update('rate limits').digest().subarray(0, 8);
}
