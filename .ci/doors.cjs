// Doors between rooms, and who may import what from outside. Each rule says why.

/** A room may import the rooms behind its doors, and itself. */
const rooms = {
  base: { doors: [], why: 'the floor rests on nothing' },
  model: {
    doors: ['base'],
    why: 'what definitions mean is pure: no memory, no threads, no sockets',
  },
  memory: { doors: ['base'], why: 'shared words know nothing of what they count' },
  telemetry: { doors: ['base', 'memory', 'model'], why: 'figures are read from memory' },
  gateway: {
    doors: ['base', 'memory', 'telemetry', 'model/settings'],
    why: 'the data plane sees bytes and settings, never a definition',
  },
  cluster: {
    doors: ['base', 'model/cluster-figures', 'model/bust', 'model/fleet'],
    why: 'the cluster carries what nodes tell each other; what they do about it is said above it',
  },
  control: {
    doors: ['base', 'cluster', 'memory', 'model', 'telemetry'],
    why: 'control turns definitions into bytes; it serves nobody',
  },
  manager: {
    doors: ['base', 'model', 'telemetry', 'memory/node-memory', 'memory/claim'],
    why: 'the manager hands shared memory on, leaves the reading to telemetry, and settles with control whether an order goes through',
  },
  runtime: {
    doors: [
      'base',
      'memory',
      'model',
      'control/start-message',
      'gateway/start-message',
      'manager/thread-messages',
    ],
    why: 'main starts threads and knows nothing of them but their messages',
  },
  cli: {
    doors: ['base', 'model', 'telemetry', 'manager', 'runtime', 'control/dump'],
    why: 'the command line stands on top; of control it needs the printer of compiled bytes',
  },
};

/** Packages with one importing file, or a few: what a change of package would touch. */
const owners = {
  'uWebSockets\\.js|@btc-vision': ['src/base/uws\\.ts'],
  pino: ['src/base/log\\.ts'],
  yaml: ['src/model/source-document\\.ts'],
  flatbuffers: ['src/memory/shape\\.ts', 'src/cluster/log-item\\.ts'],
  'ipaddr\\.js': ['src/gateway/forwarded\\.ts'],
  re2js: ['src/model/resolve-predicates\\.ts', 'src/gateway/plan/predicates\\.ts'],
  zod: ['src/model/'],
  fastify: ['src/manager/admin/'],
  commander: ['src/cli/'],
  'structured-headers': ['src/gateway/caching/structured-field\\.ts'],
  'hazelcast-client': ['src/cluster/hazelcast\\.ts'],
  'cli-table3': ['src/cli/output\\.ts'],
};

const entries = ['^src/cli/main\\.ts$', '^src/(gateway|control|manager)/thread\\.ts$'];

module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, { doors, why }]) => ({
      name: `doors-of-${room}`,
      comment: why,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: [room, ...doors].map((door) => `^src/${door}[/.]`) },
    })),
    ...Object.entries(owners).map(([name, files]) => ({
      name: `owner-of-${name.replace(/\W/g, '')}`,
      comment: 'a package is fenced, so that replacing it touches its fence alone',
      severity: 'error',
      from: { path: '^src/', pathNot: files.map((file) => `^${file}`) },
      to: { path: `(^|/)node_modules/(${name})/` },
    })),
    {
      name: 'no-cycles',
      comment:
        'files that run each other are one file, or hide a third; types of the exchange and its parts may name each other',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-dead-files',
      comment: 'every file is imported or is an entry',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: entries },
      to: {},
    },
    {
      name: 'no-development-packages',
      comment: 'what runs in production is a dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
