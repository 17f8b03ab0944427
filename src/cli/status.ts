import type { Command } from 'commander';
import { sleep } from '../base/clock.ts';
import type { ClusterFigures } from '../model/cluster-figures.ts';
import type { CacheReport } from '../telemetry/cache-report.ts';
import type { GenerationFigures, WorkerFigures } from '../telemetry/collector.ts';
import type { EndpointView, UpstreamFigures } from '../telemetry/endpoint-states.ts';
import { type AdminOptions, adminCommand, callAdmin } from './admin-client.ts';
import { printLookups } from './cache.ts';
import { printJson, printLine, printTable } from './output.ts';

interface ListedNode {
  readonly id: string;
  readonly region: string;
  readonly revision: number;
  readonly ready: boolean;
  readonly notReady: string | null;
}

/** The node that was asked. */
interface OwnNode extends ListedNode {
  readonly workers: readonly WorkerFigures[];
  readonly generations: readonly GenerationFigures[];
  readonly upstreams: readonly UpstreamFigures[];
  /** Null: the node is in no cluster. */
  readonly cluster: ClusterFigures | null;
  /** Null: the node has no cache. */
  readonly cache: Pick<CacheReport, 'position' | 'routes'> | null;
}

/** Another node of its cluster. */
interface OtherNode extends ListedNode {
  readonly workers: readonly { readonly state: string }[];
  readonly silentMs: number;
}

interface NodeList {
  /** First the one that was asked. */
  readonly nodes: readonly [OwnNode, ...OtherNode[]] | readonly [];
}

const watchMs = 1000;

export function statusCommand(): Command {
  return adminCommand('status')
    .description('Show nodes, workers, loaded generations and hit rates.')
    .option('--watch', 'again every second, until interrupted')
    .addHelpText('after', '\nExamples:\n  cutover status\n  cutover status --watch')
    .action(async (options: AdminOptions & { watch?: boolean }) => {
      for (;;) {
        const list = await callAdmin<NodeList>(options, 'GET', '/v1/nodes');
        if (options.json === true) printJson(list);
        else printNodes(list);
        if (options.watch !== true) return;
        await sleep(watchMs);
      }
    });
}

function printNodes({ nodes: [own, ...others] }: NodeList): void {
  if (own !== undefined) printOwn(own);
  if (others.length === 0) return;
  printTable(
    ['other node', 'region', 'revision', 'state', 'workers', 'heard'],
    others.map(({ id, region, revision, ready, notReady, workers, silentMs }) => [
      id,
      region,
      revision,
      ready ? 'ready' : `not ready: ${notReady}`,
      workers.map(({ state }) => state).join(', '),
      `${(silentMs / 1000).toFixed(1)} s ago`,
    ]),
  );
}

function printOwn(node: OwnNode): void {
  const state = node.ready ? 'ready' : `not ready: ${node.notReady}`;
  printLine(`node ${node.id} (${node.region}): revision ${node.revision}, ${state}`);
  printTable(
    ['worker', 'state', 'generation', 'connections'],
    node.workers.map((one) => [one.id, one.state, one.generation, one.connections]),
  );
  printTable(
    [
      'generation',
      'revision',
      'state',
      'running',
      'accepted',
      'completed',
      'aborted',
      'refused',
      'failed',
    ],
    node.generations.map(({ generation, revision, state, pinned, ledger }) => [
      generation,
      revision,
      state,
      pinned,
      ledger.accepted,
      ledger.completed,
      ledger.aborted,
      ledger.refused,
      ledger.failed,
    ]),
  );
  printEndpoints(node.upstreams);
  printCluster(node.cluster);
  printLookups(node.cache?.routes ?? []);
}

/** More than these are listed only where they are not well. */
const listedCount = 20;

function printEndpoints(upstreams: readonly UpstreamFigures[]): void {
  const all = upstreams.flatMap(({ name, endpoints }) =>
    endpoints.map(({ origin, workers }) => ({
      name,
      origin,
      out: workers.filter(({ state }) => state !== 'healthy'),
    })),
  );
  const listed = all.length <= listedCount ? all : all.filter(({ out }) => out.length > 0);
  if (listed.length > 0) {
    printTable(
      ['upstream', 'endpoint', 'state'],
      listed.map(({ name, origin, out }) => [name, origin, stateOf(out)]),
    );
  }
  if (listed.length < all.length) printLine(`${all.length - listed.length} endpoints are healthy`);
}

function stateOf(out: readonly EndpointView[]): string {
  if (out.length === 0) return 'healthy';
  return out.map(({ id, state, reason }) => `${state} on worker ${id}: ${reason}`).join('; ');
}

function printCluster(cluster: ClusterFigures | null): void {
  if (cluster === null) return;
  printTable(
    ['cluster client', 'state', 'connections', 'problem'],
    Object.entries(cluster).map(([client, { state, connections, problem }]) => [
      client,
      state,
      connections,
      problem ?? '',
    ]),
  );
}
