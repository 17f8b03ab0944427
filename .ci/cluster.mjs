// `npm run cluster`: Hazelcast members on this machine, for development. See docs/cluster.md.
import { setUp } from './set-up.mjs';

await setUp();
const { cluster } = await import('../bench/cluster-members.mjs');
await cluster(process.argv);
