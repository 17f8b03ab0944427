// What the counting origin answers, so that a client can tell byte by byte what it must have got.

/** Bytes of an ordinary body: that of a small JSON document. */
export const bodyBytes = 1024;
/** Bytes of a body under `/big/`: several chunks of the cache's arena. */
export const bigBodyBytes = 200 * 1024;
const blockBytes = 64;

/**
 * JSON of exactly `bytes` bytes (latin1): who it is, its version, and a filler in which each block
 * of 64 bytes names both and its own place, so that no two bodies can be mixed unseen.
 */
export function bodyOf(path, version, bytes = bodyBytes) {
  const begin = `{"path":"${path}","version":${version},"filler":"`;
  const end = '"}';
  const fillerBytes = bytes - begin.length - end.length;
  const blocks = [];
  for (let at = 0; at < fillerBytes; at += blockBytes) {
    blocks.push(`${at}:${version}:${path};`.padEnd(blockBytes, '.').slice(0, blockBytes));
  }
  return `${begin}${blocks.join('').slice(0, fillerBytes)}${end}`;
}

/** The version that a body states. */
export function versionOf(body) {
  return Number(/^\{"path":"[^"]*","version":(\d+)/.exec(body)?.[1] ?? Number.NaN);
}
