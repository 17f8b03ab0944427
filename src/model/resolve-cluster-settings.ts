import { clusterMemberCountMax } from '../base/limits.ts';
import type { Problems } from './problem.ts';
import { resolveSecret } from './resolve-secret.ts';
import type { ClusterSettings } from './settings.ts';

interface WrittenClusterSettings {
  readonly kind: 'memory' | 'hazelcast';
  readonly name: string;
  readonly members: readonly string[];
  readonly key: { readonly env?: string | undefined; readonly file?: string | undefined };
}

/** Where Hazelcast's members listen unless they are told otherwise. */
const portDefault = 5701;

export function resolveClusterSettings(
  { kind, name, members, key }: WrittenClusterSettings,
  problems: Problems,
): ClusterSettings {
  const path = ['cluster', 'members'];
  const addresses = members.map((text, index) => {
    const address = addressOf(text);
    if (address === null) {
      const message = `${text} is not the address of a member`;
      problems.add('bad-value', [...path, index], message, 'write 10.0.0.5:5701');
    }
    return address ?? text;
  });
  const twice = addresses.findIndex((one, index) => addresses.indexOf(one) !== index);
  if (twice >= 0) {
    problems.add('duplicate', [...path, twice], `${addresses[twice]} is there twice`);
  }
  if (addresses.length > clusterMemberCountMax) {
    const limit = `the limit of ${clusterMemberCountMax} (clusterMemberCountMax)`;
    problems.add('limit', path, `${addresses.length} members are over ${limit}`, 'name a few');
  }
  if (kind === 'memory') return { kind };
  if (addresses.length === 0) {
    const message = 'the kind hazelcast needs the address of a member';
    problems.add('missing', path, message, 'write members: [10.0.0.5:5701]');
  }
  return { kind, name, members: addresses, key: keyOf(key, problems) };
}

/** Null: none is named. */
function keyOf({ env, file }: WrittenClusterSettings['key'], problems: Problems) {
  const path = ['cluster', 'key'];
  if (env !== undefined && file !== undefined) {
    problems.add('conflict', path, 'names a variable and a file', 'write one of env and file');
  }
  if (env !== undefined) return resolveSecret({ env }, path, problems);
  return file === undefined ? null : resolveSecret({ file }, path, problems);
}

/** `host:port`; null: it is none. An IPv6 address stands in brackets. */
function addressOf(text: string): string | null {
  const [, host, port = portDefault] =
    /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/.exec(text) ??
    [];
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? null : `${host}:${number}`;
}
