import { nowMs } from './figures.mjs';
import { getRequest, KeepAlive } from './keep-alive.mjs';
import { versionOf } from './origin-bodies.mjs';

/** Connections are dealt to the workers in turn: so many reach each of two workers. */
const probeCount = 8;

/** Opens the connections of probes. */
export async function openProbes(port) {
  const connections = Array.from({ length: probeCount }, () => new KeepAlive(port));
  await Promise.all(connections.map((connection) => connection.opened()));
  return connections;
}

/** One path over all probes at once; the versions that they got. */
export async function askAll(probes, path) {
  const responses = await Promise.all(probes.map((probe) => probe.fetch(getRequest(path))));
  return responses.map((response) =>
    response?.status === 200 ? versionOf(response.body) : Number.NaN,
  );
}

/**
 * Each probe asks for a path again and again until `until` says so; what it got, with the times at
 * which it was sent and had come (ms).
 */
export async function watch(probes, path, until) {
  const samples = await Promise.all(
    probes.map(async (probe) => {
      const seen = [];
      while (!until()) {
        const sentMs = nowMs();
        const response = await probe.fetch(getRequest(path));
        if (response === null) break;
        const version = response.status === 200 ? versionOf(response.body) : Number.NaN;
        seen.push({ sentMs, doneMs: nowMs(), version });
      }
      return seen;
    }),
  );
  return samples;
}
