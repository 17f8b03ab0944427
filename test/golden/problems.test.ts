// Goal: what is wrong in definitions is told with its place, in the same words. Method: the problems
// of each problems/*.yaml are compared with the text beside it; `vitest -u` writes it anew.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { definitionsBytesMax } from '../../src/base/limits.ts';
import { parseDefinitions } from '../../src/model/parse.ts';
import { type Problem, printProblem, problemCodes } from '../../src/model/problem.ts';

const folder = fileURLToPath(new URL('problems/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const storedFor = (file: string) => `${folder}${file.replace('.yaml', '.txt')}`;

function problemsIn(file: string, text: string): readonly Problem[] {
  const parsed = parseDefinitions([{ file, text }]);
  return parsed.ok ? [] : parsed.problems;
}

function printed(problems: readonly Problem[]): string {
  return problems.map((one) => `${one.code}\n  ${printProblem(one)}\n`).join('');
}

describe('problems', () => {
  test.each(files)('%s is refused in the stored words', async (file) => {
    expect(existsSync(storedFor(file))).toBe(true);
    const problems = problemsIn(file, readFileSync(`${folder}${file}`, 'utf8'));
    expect(problems.map(({ code }) => code)).toContain(
      problemCodes.find((code) => file.startsWith(code)) ?? 'limit',
    );
    await expect(printed(problems)).toMatchFileSnapshot(storedFor(file));
  });

  test('a text over the limit is not read at all', () => {
    const text = `# ${'x'.repeat(definitionsBytesMax)}`;
    expect(printed(problemsIn('big.yaml', text))).toBe(
      'too-large\n  big.yaml:1:1: is over the limit of 16777216 bytes (definitionsBytesMax) (split the set)\n',
    );
  });

  test('a text that is no YAML is refused where it stops being YAML', () => {
    const text = 'routes:\n  - id: a\n    match: { path: /a\n    respond: {}\n';
    expect(printed(problemsIn('bad.yaml', text))).toBe(
      'syntax\n  bad.yaml:4:5: Flow map in block collection must be sufficiently indented and end with a }\n',
    );
  });

  test.each([
    ['match: { path: /a/{name} }', 'Unexpected flow-map-start at node end'],
    ['respond: { body: hi ${path.name} }', 'Unexpected flow-map-start at node end'],
    ['respond: { body: a: b }', 'Block collections are not allowed within flow collections'],
    ['respond: { body: @x }', 'Plain value cannot start with reserved character @'],
  ])('%s is told to want quotes', (field, message) => {
    const text = `routes:\n  - id: a\n    ${field}\n  - id: b\n    match: { path: /b }\n`;
    expect(problemsIn('bad.yaml', text)).toMatchObject([
      { code: 'syntax', line: 3, message, hint: expect.stringMatching(/^quote a text/) },
    ]);
  });

  test.each([
    ['timeout: { connect: 5 }', 'must be a duration such as 250ms', 'write 5s'],
    ['timeout: { headers: 2000 }', 'must be a duration such as 250ms', 'write 2000ms'],
    ['timeout: { idle: "5" }', 'must be a duration such as 250ms, 1s, 2m', 'write 5s'],
    ['health: { path: /h, interval: 1 }', 'must be a duration such as 250ms', 'write 1s'],
    ['retry: { budget: 20 }', 'must be a share such as 20%', 'write 20%'],
    ['breaker: { failures: true }', 'must be a share such as 20%', null],
  ])('a number without its unit is told what to write: %s', (field, message, hint) => {
    const text = `upstreams:\n  a:\n    endpoints: ["http://a:1"]\n    ${field}\n`;
    expect(problemsIn('bad.yaml', text)).toMatchObject([{ message, hint }]);
  });

  test('of each file that is no YAML the first place is told', () => {
    const text = 'routes:\n  - { id: a, match: { path: /{a} } }\n  - { id: b }\n';
    const parsed = parseDefinitions([
      { file: 'a.yaml', text },
      { file: 'b.yaml', text: `${text}${text}` },
    ]);
    expect(parsed.ok ? [] : parsed.problems).toMatchObject([
      { file: 'a.yaml', line: 2, column: 30, hint: expect.stringContaining('quote') },
      { file: 'b.yaml', line: 2, column: 30, hint: expect.stringContaining('quote') },
    ]);
  });

  test('each code has a file of its own', () => {
    const without = problemCodes.filter((code) => !files.some((file) => file.startsWith(code)));
    expect(without).toEqual(['too-large']);
  });
});
