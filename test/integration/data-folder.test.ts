// Goal: a damaged data folder is never served as if it were whole, and one process uses it at a time.
// Method: files of a stopped gateway's folder are damaged one at a time; then it starts again.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway, GatewayRefused } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

let whole: string;

beforeAll(async () => {
  whole = join(mkdtempSync(join(tmpdir(), 'cutover-test-')), 'data');
  const gateway = await Gateway.start({ dataFolder: whole });
  for (const body of ['one', 'two', 'three']) await gateway.apply(saying(body));
  await gateway.stop();
});

afterAll(() => rmSync(join(whole, '..'), { recursive: true }));

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

function copyOfWhole(): string {
  const dataFolder = join(testFolder(), 'data');
  cpSync(whole, dataFolder, { recursive: true });
  return dataFolder;
}

/** What a start comes to: what it serves, or the exit code and the message. */
async function startOn(dataFolder: string): Promise<{ served: string } | GatewayRefused> {
  try {
    const gateway = await Gateway.start({ dataFolder });
    onTestFinished(() => gateway.kill());
    return { served: (await exchange(gateway.port, get('/say'))).body };
  } catch (error) {
    if (error instanceof GatewayRefused) return error;
    throw error;
  }
}

type Damage = readonly [name: string, damage: (folder: string) => void, file: string];

const write =
  (file: string, text: string) =>
  (folder: string): void =>
    writeFileSync(join(folder, file), text);
const head = 'revisions/000003.json';

/** Damage after which a revision cannot be read: the message must name the file. */
const unreadable: readonly Damage[] = [
  ['a revision cut short', write(head, '{"revision":3,"par'), head],
  ['an empty revision', write(head, ''), head],
  ['a revision of null', write(head, 'null'), head],
  ['a revision without content', write(head, '{"revision":3}'), head],
  ['a revision of binary noise', write(head, '\u0000\u0001\u0002'), head],
  ['an older revision cut short', write('revisions/000001.json', '{"rev'), '000001.json'],
];

/** Damage after which the head is not known, though there are revisions that were acknowledged. */
const headless: readonly Damage[] = [
  ['an empty head', write('head', ''), 'head'],
  ['a head of text', write('head', 'three\n'), 'head'],
  ['a head of a revision that is not there', write('head', '9\n'), 'head'],
  ['no head though there are revisions', (folder) => rmSync(join(folder, 'head')), 'head'],
  ['no revision of the head', (folder) => rmSync(join(folder, head)), 'head'],
];

/** Damage that takes nothing away that is needed. */
const harmless: readonly Damage[] = [
  ['a rest of a write', write(`${head}.tmp`, '{"revi'), ''],
  ['a rest of a write of the head', write('head.tmp', ''), ''],
  ['a foreign file', write('revisions/README.txt', 'x'), ''],
  ['a foreign folder', (folder) => mkdirSync(join(folder, 'revisions', 'old')), ''],
  ['a seed of noise', write('seed', '\u0000'), ''],
  ['an empty token', write('admin-token', ''), ''],
  ['an empty lock', write('lock', ''), ''],
  ['a lock of a process that is gone', write('lock', '4194304 1\n'), ''],
  ['a lock of another process of the same number', write('lock', `${process.pid} 1\n`), ''],
];

describe('a start after', () => {
  test.each(harmless)('%s serves the head', async (_name, damage) => {
    const dataFolder = copyOfWhole();
    damage(dataFolder);
    expect(await startOn(dataFolder)).toEqual({ served: 'three' });
  });

  test.each(unreadable)('%s serves the head or names the file', headOrRefusal);

  test.each(headless)('%s serves the head or names the file', headOrRefusal);

  test('a first apply that was cut short before the head serves it', async () => {
    const dataFolder = copyOfWhole();
    for (const name of ['head', 'revisions/000002.json', head]) rmSync(join(dataFolder, name));
    expect(await startOn(dataFolder)).toEqual({ served: 'one' });
  });

  test('a first apply whose revision did not reach the disk serves nothing', async () => {
    const dataFolder = copyOfWhole();
    for (const name of ['head', 'revisions/000002.json', head]) rmSync(join(dataFolder, name));
    writeFileSync(join(dataFolder, 'revisions/000001.json'), '');
    expect(await startOn(dataFolder)).not.toBeInstanceOf(GatewayRefused);
  });

  test.each(['noise\n', '4194304'])('a lock of %j serves the head', async (text) => {
    const dataFolder = copyOfWhole();
    writeFileSync(join(dataFolder, 'lock'), text);
    expect(await startOn(dataFolder)).toEqual({ served: 'three' });
  });
});

async function headOrRefusal(_name: string, damage: Damage[1], file: string): Promise<void> {
  const dataFolder = copyOfWhole();
  damage(dataFolder);
  const outcome = await startOn(dataFolder);
  if (outcome instanceof GatewayRefused) {
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toContain(file);
  } else {
    expect(outcome).toEqual({ served: 'three' });
  }
}

describe('a data folder in use', () => {
  test('is refused to a second process, which names the first', async () => {
    const dataFolder = join(testFolder(), 'data');
    const first = await Gateway.start({ dataFolder, definitions: saying('first') });
    onTestFinished(() => first.kill());
    const refusal = (await startOn(dataFolder)) as GatewayRefused;
    expect(refusal.exitCode).toBe(1);
    expect(refusal.output).toContain(`is used by the process ${first.process.pid}`);
    expect((await exchange(first.port, get('/say'))).body).toBe('first');
    expect((await first.apply(saying('second'))).outcome).toBe('applied');
  });

  test('is free again after a stop and after a kill', async () => {
    const dataFolder = join(testFolder(), 'data');
    await (await Gateway.start({ dataFolder, definitions: saying('kept') })).stop();
    await (await Gateway.start({ dataFolder })).kill();
    expect(await startOn(dataFolder)).toEqual({ served: 'kept' });
  });

  test('that is a file is refused', async () => {
    const dataFolder = join(testFolder(), 'data');
    writeFileSync(dataFolder, '');
    const refusal = (await startOn(dataFolder)) as GatewayRefused;
    expect([refusal.exitCode, refusal.output.includes(dataFolder)]).toEqual([1, true]);
  });
});
