import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  cacheDir: 'build/vitest',
  test: {
    root,
    include: ['test/**/*.test.ts'],
    // Integration tests start gateways with their threads: two files at once fill two cores.
    maxWorkers: 2,
    pool: 'forks',
    // Generous: a loaded machine takes seconds to start a gateway, and some tests start three.
    testTimeout: 60_000,
    // Real processes, sockets and kills on a machine that others use: one more try, which the report
    // tells ("retry x1"), so that a stall of the machine is told from a fault that stays.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 60_000,
  },
});
