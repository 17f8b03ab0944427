// Goal: documents and code say the same, both ways. Method: read tables of the documents and compare
// them with what the code exports or holds; each message says what to add where.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { memberFile } from '../bench/kit/member-file.mjs';
import { clusterFailures } from '../src/cluster/cluster-error.ts';
import { problems } from '../src/gateway/problems.ts';
import type { AdminParts } from '../src/manager/admin/parts.ts';
import { errorStatus } from '../src/manager/admin/problem-reply.ts';
import { buildAdmin } from '../src/manager/admin/server.ts';
import { failedReasons, refusedReasons } from '../src/memory/ledger.ts';
import { partSource } from '../src/memory/shape-kinds.ts';
import { parseDefinitions } from '../src/model/parse.ts';
import { problemCodes } from '../src/model/problem.ts';
import { definitionsJsonSchema } from '../src/model/schema.ts';
import { settingsSchema } from '../src/model/settings-schema.ts';
import { metrics } from '../src/telemetry/exposition.ts';
import {
  differences,
  filesBelow,
  plain,
  quoted,
  root,
  sectionOf,
  tableUnder,
  textOf,
} from './kit/documents.ts';
import { faultColumns, faults } from './kit/faults/fault-table.ts';

const sources = filesBelow('src', '.ts').map((file) => ({ file, text: textOf(file) }));

/** All that a pattern's first group finds in files of src. */
function foundIn(files: RegExp, pattern: RegExp): Set<string> {
  const texts = sources.filter(({ file }) => files.test(file)).map(({ text }) => text);
  return new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, one = '']) => one)));
}

/** `name status` of each row of a table of codes. */
function withStatus(rows: ReadonlyMap<string, readonly string[]>): string[] {
  return [...rows].map(([code, [status = '']]) => `${code} ${status}`);
}

describe('docs/errors.md', () => {
  const file = 'docs/errors.md';
  const clients = '## What clients of the gateway get';
  const callers = '## What callers of the admin interface get';
  const commands = '## What the command line says';

  test('has all codes that clients get, with their statuses', () => {
    const inCode = Object.values(problems).map(({ code, status }) => `${code} ${status}`);
    const inDocument = withStatus(tableUnder(file, clients));
    expect(differences(inCode, inDocument, `${file}, "${clients}"`)).toEqual([]);
  });

  test('has all codes of the admin interface, with their statuses', () => {
    // These three are made of what fastify and the runtime throw (sendProblem).
    const made = { 'body-too-large': 413, 'body-invalid': 400, internal: 500 };
    const inCode = Object.entries({ ...errorStatus, ...made });
    const inDocument = withStatus(tableUnder(file, callers));
    const where = `${file}, "${callers}"`;
    const codes = inCode.map(([code, status]) => `${code} ${status}`);
    expect(differences(codes, inDocument, where)).toEqual([]);
  });

  test('has all codes that the code makes errors of, and no others', () => {
    const made = foundIn(
      /^src\/(?!gateway\/)/,
      /(?:CutoverError|failure|rejected|refused)\(\s*(?:id,\s*)?'([a-z]+(?:-[a-z]+)*)'/g,
    );
    const literal = foundIn(/^src\/(cli|manager)\//, /\bcode(?::| =) '([a-z]+(?:-[a-z]+)*)'/g);
    // `sendProblem` and `Problems` have tests of their own above and below.
    const told = [...tableUnder(file, callers).keys(), ...tableUnder(file, commands).keys()];
    const inCode = [...made, ...literal, 'body-too-large'];
    expect(differences(inCode, told, `${file}, "${callers}" or "${commands}"`)).toEqual([]);
  });

  test('has all codes of the cluster, and whether the call may be made again', () => {
    const heading = '## What the cluster says';
    const inCode = Object.entries(clusterFailures).map(
      ([reason, { retry }]) => `cluster-${reason} ${retry === 'safe' ? 'no' : 'unknown'}`,
    );
    const inDocument = withStatus(tableUnder(file, heading));
    expect(differences(inCode, inDocument, `${file}, "${heading}"`)).toEqual([]);
  });

  test('has all kinds of problems in definitions', () => {
    const heading = '## Problems in definitions';
    const where = `${file}, "${heading}"`;
    expect(differences(problemCodes, tableUnder(file, heading).keys(), where)).toEqual([]);
  });

  test('has all reasons of the ledger, with their outcomes', () => {
    const heading = '## Reasons in the ledger';
    const inCode = [
      ...refusedReasons.map((reason) => `${reason} refused`),
      ...failedReasons.map((reason) => `${reason} failed`),
    ];
    const inDocument = withStatus(tableUnder(file, heading));
    expect(differences(inCode, inDocument, `${file}, "${heading}"`)).toEqual([]);
  });

  test('says of each reason which codes it counts', () => {
    const rows = tableUnder(file, '## Reasons in the ledger');
    const wrong = Object.values(problems).flatMap(({ code, ledger: { reason } }) => {
      const [, counts = ''] = rows.get(reason) ?? [];
      const counted = quoted(counts).some((one) => code === one || one === 'bad-');
      return counted || reason === 'not-ready' ? [] : [`say at ${reason} that it counts ${code}`];
    });
    expect(wrong).toEqual([]);
  });
});

test('docs/metrics.md has all metrics, with their types', () => {
  const inCode = Object.entries(metrics).map(([name, text]) => `${name} ${text.split(' ')[0]}`);
  const inDocument = withStatus(tableUnder('docs/metrics.md', '# Metrics'));
  expect(differences(inCode, inDocument, 'docs/metrics.md')).toEqual([]);
});

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly default?: unknown;
}

/** Paths of all fields below a node: `a.b`, `list[].c`, `map.*.d`. */
function fieldsBelow(node: SchemaNode, path = ''): string[] {
  const named = Object.entries(node.properties ?? {}).flatMap(([key, field]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [at, ...fieldsBelow(field, at)];
  });
  const rest = node.additionalProperties;
  return [
    ...named,
    ...(typeof rest === 'object' ? fieldsBelow(rest, `${path}.*`) : []),
    ...(node.items === undefined ? [] : fieldsBelow(node.items, `${path}[]`)),
    ...(node.anyOf ?? []).flatMap((one) => fieldsBelow(one, path)),
  ];
}

describe('docs/settings.md', () => {
  const defaults = { hostname: "the host's name", workers: 1 };
  const schema = z.toJSONSchema(settingsSchema(defaults), { io: 'input' }) as SchemaNode;
  const rows = tableUnder('docs/settings.md', '# Settings');
  const leaves = settingsBelow(schema);

  function settingsBelow(node: SchemaNode, path = ''): { path: string; node: SchemaNode }[] {
    if (node.properties === undefined) return [{ path, node }];
    return Object.entries(node.properties).flatMap(([key, field]) =>
      settingsBelow(field, path === '' ? key : `${path}.${key}`),
    );
  }

  test('has all settings', () => {
    const paths = leaves.map(({ path }) => path);
    expect(differences(paths, rows.keys(), 'docs/settings.md')).toEqual([]);
  });

  test('says the default and the environment name of each', () => {
    const wrong = leaves.flatMap(({ path, node }) => {
      const [stated = '', environment = ''] = rows.get(path) ?? [];
      const wanted = `CUTOVER_${path.replaceAll('.', '_').toUpperCase()}`;
      // These defaults depend on the machine and the memory.
      const depends = ['workers', 'cache.entry', 'cluster.key.env', 'cluster.key.file'].includes(
        path,
      );
      const value = node.default;
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return [
        ...(plain(environment) === wanted ? [] : [`${path}: its environment name is ${wanted}`]),
        ...(plain(stated) === text || depends ? [] : [`${path}: its default is ${text}`]),
      ];
    });
    expect(wrong).toEqual([]);
  });
});

describe('docs/definitions.md', () => {
  const file = 'docs/definitions.md';
  const schema = definitionsJsonSchema() as {
    properties: {
      upstreams: { additionalProperties: SchemaNode };
      routes: { items: SchemaNode };
    };
  };
  /** Maps of fields that stand in the table by the field that holds them. */
  const holders = new Set(['timeout', 'retry', 'health', 'breaker']);
  holders.add('match').add('rewrite').add('respond').add('redirect');

  test.each([
    ['## Upstream fields', schema.properties.upstreams.additionalProperties],
    ['## Route fields', schema.properties.routes.items],
  ])('%s has all fields of the schema', (heading, node) => {
    const inCode = fieldsBelow(node)
      .filter((path) => !holders.has(path))
      .filter((path) => !path.startsWith('cache.'));
    const where = `${file}, "${heading}"`;
    expect(differences(inCode, tableUnder(file, heading).keys(), where)).toEqual([]);
  });

  test('docs/definitions-cache.md has all fields of the cache block', () => {
    const inCode = fieldsBelow(schema.properties.routes.items)
      .filter((path) => path.startsWith('cache.'))
      .map((path) => path.split(/[.[]/)[1] ?? '');
    const told = tableUnder('docs/definitions-cache.md', '## Fields').keys();
    const where = 'docs/definitions-cache.md, "## Fields"';
    expect(differences([...new Set(inCode)], told, where)).toEqual([]);
  });

  test('has all holes of templates', () => {
    const named = ['request.header', 'request.cookie', 'path'];
    const special: Record<string, string> = {
      'request.query.named': 'request.query.NAME',
      'path.rest': 'path.**',
    };
    const inCode = Object.keys(partSource)
      .filter((source) => source !== 'text')
      .map((source) => special[source] ?? (named.includes(source) ? `${source}.NAME` : source))
      .map((hole) => `\${${hole}}`);
    const inDocument = [...tableUnder(file, '## Templates').keys()].flatMap((cell) =>
      cell.split(', '),
    );
    expect(differences(inCode, inDocument, `${file}, "## Templates"`)).toEqual([]);
  });

  test('names limits that there are', () => {
    const limits = textOf('src/base/limits.ts');
    const names = [...tableUnder(file, '## Limits').keys()];
    expect(names.filter((name) => !limits.includes(`export const ${name} =`))).toEqual([]);
  });

  test('has examples that are in order', () => {
    const examples = [...textOf(file).matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text = '']) => text,
    );
    expect(examples.length).toBeGreaterThan(3);
    const wrong = examples.flatMap((text) => {
      const parsed = parseDefinitions([{ file, text }]);
      return parsed.ok ? [] : parsed.problems;
    });
    expect(wrong).toEqual([]);
  });
});

test('docs/definitions.schema.json is what the code gives; else run `npm run schema`', () => {
  expect(JSON.parse(textOf('docs/definitions.schema.json'))).toEqual(definitionsJsonSchema());
});

test('docs/admin-interface.md has all calls', () => {
  const inCode = callsOf(buildAdmin({} as AdminParts).printRoutes({ commonPrefix: false }));
  const rows = [...tableUnder('docs/admin-interface.md', '# Admin interface').keys()];
  const inDocument = rows.flatMap((cell) => {
    const words = cell.split(/,? /).filter((word) => word !== '');
    const paths = words.filter((word) => word.startsWith('/'));
    if (paths.length === 1) return words.slice(0, -1).map((method) => `${method} ${paths[0]}`);
    return paths.map((path) => `${words[words.indexOf(path) - 1]} ${path}`);
  });
  expect(inCode.length).toBeGreaterThan(10);
  expect(differences(inCode, inDocument, 'docs/admin-interface.md')).toEqual([]);
});

/** Calls of fastify's printed tree: a path continues that of the line that it stands below. */
function callsOf(tree: string): string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] =
      /^(.*)── (\S+) \(([A-Z, ]+)\)/.exec(line) ?? [];
    if (part === '') return [];
    const depth = Math.floor(indent.length / 4);
    above.length = depth;
    above.push(part);
    const path = above.join('').replaceAll(/:(\w+)/g, '{$1}');
    const own = methods.split(', ').filter((method) => method !== 'HEAD');
    return own.map((method) => `${method} ${path}`);
  });
}

describe('docs/command-line.md', () => {
  const file = 'docs/command-line.md';

  test('has all commands', () => {
    const inCode = foundIn(/^src\/cli\//, /(?:new Command|adminCommand)\('([a-z]+)'\)/g);
    inCode.delete('cutover');
    // `cutover cache explain URL`: a command and one of its own; the words in capitals are arguments.
    const inDocument = [...tableUnder(file, '# Command line').keys()].flatMap((cell) =>
      cell.split(' ').filter((word) => /^[a-z]+$/.test(word) && word !== 'cutover'),
    );
    expect(differences(inCode, inDocument, `${file}, "# Command line"`)).toEqual([]);
  });

  test('has all options', () => {
    const inCode = foundIn(/^src\/cli\//, /\b[oO]ption\('(?:-[A-Za-z], )?(--[a-z-]+)/g);
    const text = textOf(file);
    const inDocument = new Set([...text.matchAll(/`(--[a-z-]+)/g)].map(([, one = '']) => one));
    // Options of npm and of every command, which no file of src/cli declares.
    for (const other of ['--', '--silent', '--help']) inDocument.delete(other);
    expect(differences(inCode, inDocument, file)).toEqual([]);
  });
});

test('docs/cluster.md has the faults that a test brings about, with the times that it holds them to', () => {
  const heading = '## Faults';
  const rows = tableUnder('docs/cluster.md', heading);
  const inCode = Object.entries(faults).map(([name, { during, after }]) =>
    [plain(name), during === null ? '' : `${during} s`, `${after} s`].join(' | '),
  );
  const [, ...columns] = faultColumns;
  const [going, well] = [columns.indexOf('at most'), columns.lastIndexOf('at most')];
  const inDocument = [...rows].map(([name, cells]) =>
    [name, cells[going] ?? '', cells[well] ?? ''].join(' | '),
  );
  expect(differences(inCode, inDocument, `docs/cluster.md, "${heading}"`)).toEqual([]);
});

test('docs/cluster.md has the file that members are started with', () => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(textOf('docs/cluster.md')) ?? [];
  const ports = [5701, 5702, 5703];
  expect(parse(text)).toEqual(memberFile({ name: 'cutover', port: 5701, ports }));
});

test('docs/hacking.md has all benches', () => {
  const inCode = [...textOf('bench/main.mjs').matchAll(/\.command\('([a-z-]+)'\)/g)].map(
    ([, name = '']) => `npm run bench ${name}`,
  );
  const inDocument = tableUnder('docs/hacking.md', '## Benches').keys();
  const where = 'docs/hacking.md, "## Benches"';
  expect(differences(['npm run bench', ...inCode], inDocument, where)).toEqual([]);
});

test('docs/architecture.md names all packages', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const section = sectionOf('docs/architecture.md', '## Dependencies');
  const names = Object.keys({ ...dependencies, ...devDependencies });
  const without = names.filter((name) => !section.includes(name));
  expect(without.map((name) => `say in docs/architecture.md what ${name} is for`)).toEqual([]);
});

test('no file, folder or exported name of src is called by a word that is not used', () => {
  const unused = [...tableUnder('docs/glossary.md', '## Not used').keys()];
  expect(unused).toContain('utils');
  const exported = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/^export (?:const|function|class|interface|type) (\w+)/gm)].map(
      ([, name = '']) => ({ file, name }),
    ),
  );
  const named = sources.flatMap(({ file }) =>
    file.split('/').map((name) => ({ file, name: basename(name, '.ts') })),
  );
  const found = [...exported, ...named]
    .filter(({ name }) =>
      wordsOf(name.replace('DataPlane', '')).some((word) => unused.includes(word)),
    )
    .map(({ file, name }) => `${file}: call ${name} by a word of docs/glossary.md`);
  expect(found).toEqual([]);
});

/** `bodyTooLarge`, `body-too-large`: the words in lower case. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[-_]/);
}

test('comments that point to a document point to one that is there', () => {
  const files = [
    ...['src', 'bench', 'native', 'test'].flatMap((folder) =>
      filesBelow(folder, '.ts', '.mjs', '.c', '.fbs'),
    ),
    ...filesBelow('profiles', '.yaml'),
    ...filesBelow('.ci', '.mjs', '.cjs'),
  ];
  const broken = files.flatMap((file) =>
    [...textOf(file).matchAll(/\bdocs\/[\w/-]+(?:\.[a-z]+)+/g)]
      .map(([target]) => target)
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${file}: there is no ${target}`),
  );
  expect(broken).toEqual([]);
});

test('anchors of links between documents are headings', () => {
  const documents = ['README.md', ...filesBelow('docs', '.md')];
  const broken = documents.flatMap((file) =>
    [...textOf(file).matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)].flatMap(
      ([, target = '', anchor]) => {
        const path = target === '' ? file : join(file, '..', target);
        const headings = [...textOf(path).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
          slugOf(text),
        );
        return headings.includes(anchor ?? '') ? [] : [`${file}: ${target}#${anchor}`];
      },
    ),
  );
  expect(broken).toEqual([]);
});

/** What a heading is linked by. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
