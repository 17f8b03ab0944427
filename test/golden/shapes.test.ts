// Goal: what the compiler makes of definitions does not change unseen. Method: each shapes/*.yaml
// is compiled and dumped, and compared with the text beside it; `vitest -u` writes it anew.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { dumpShape } from '../../src/control/dump.ts';
import { parseDefinitions } from '../../src/model/parse.ts';
import { printProblem } from '../../src/model/problem.ts';
import { printJson } from '../kit/print-json.ts';

const folder = fileURLToPath(new URL('shapes/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const storedFor = (file: string) => `${folder}${file.replace('.yaml', '.txt')}`;

describe('compiled shapes', () => {
  test.each(files)('%s compiles to the stored text', async (file) => {
    expect(existsSync(storedFor(file))).toBe(true);
    const text = readFileSync(`${folder}${file}`, 'utf8');
    const parsed = parseDefinitions([{ file, text }]);
    if (!parsed.ok) throw new Error(parsed.problems.map(printProblem).join('\n'));
    const dump = printJson(dumpShape(parsed.definitions, 'hash'));
    await expect(`${dump}\n`).toMatchFileSnapshot(storedFor(file));
  });
});
