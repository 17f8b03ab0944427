// Goal: the house rules hold in every file. Method: read the files and look for what a rule
// forbids; each message names what to use instead.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function filesBelow(folder: string, ending: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

const sources = filesBelow('src', '.ts').map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}));

/** Code without its comments; texts stay, so a rule's pattern must not match in prose. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

interface Rule {
  readonly forbidden: RegExp;
  readonly allowed: RegExp;
  readonly instead: string;
}

const rules: readonly Rule[] = [
  {
    forbidden: /\b(Atomics|DataView)\b|new SharedArrayBuffer/,
    allowed: /^src\/memory\//,
    instead: 'a typed reader or writer of src/memory',
  },
  {
    forbidden: /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now|hrtime)\b/,
    allowed: /^src\/base\/clock\.ts$/,
    instead: 'base/clock.ts',
  },
  {
    forbidden: /\bnew Date\(\)/,
    allowed: /^$/,
    instead: 'wallMs() of base/clock.ts',
  },
  {
    forbidden: /\bprocess\.(env|exit|argv)\b/,
    allowed: /^src\/cli\//,
    instead: 'settings, and a message to main',
  },
  {
    forbidden: /\bprocess\.(stdout|stderr)\b/,
    allowed: /^src\/(cli\/|runtime\/node\.ts$)/,
    instead: 'the log (base/log.ts), or the command line',
  },
  {
    forbidden: /:\s*any\b|\bas any\b|<any>/,
    allowed: /^$/,
    instead: 'a type, or unknown',
  },
];

describe('house rules', () => {
  test.each(rules)('$forbidden stands only where it may', ({ forbidden, allowed, instead }) => {
    const found = sources
      .filter(({ file }) => !allowed.test(file))
      .flatMap(({ file, text }) =>
        codeOf(text)
          .split('\n')
          .filter((line) => forbidden.test(line))
          .map((line) => `${file}: ${line.trim()} (use ${instead})`),
      );
    expect(found).toEqual([]);
  });

  test('no file of src is longer than 350 lines', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > 350);
    expect(long.map(({ file }) => `${file}: split it by what it is about`)).toEqual([]);
  });

  test('each test opens with its goal and method', () => {
    const tests = filesBelow('test', '.test.ts');
    const without = tests.filter(
      (file) => !readFileSync(join(root, file), 'utf8').startsWith('// Goal: '),
    );
    expect(without).toEqual([]);
  });

  test('the package lock holds no download addresses', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
  });

  test('links between documents lead somewhere', () => {
    const documents = ['README.md', ...filesBelow('docs', '.md'), ...filesBelow('native', '.md')];
    const broken = documents.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(root, dirname(file), target)))
        .map((target) => `${file}: ${target}`);
    });
    expect(broken.map((one) => relative('.', one))).toEqual([]);
  });
});
