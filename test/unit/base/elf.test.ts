// Goal: a library that wants a newer glibc is adapted, and nothing else in it changes. Method: a
// library of five sections made here, and the real ones of the package.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withoutNewerGlibc } from '../../../src/base/elf.ts';
import { CutoverError } from '../../../src/base/errors.ts';

const names = [
  '',
  '__isoc23_strtol',
  'malloc',
  '__isoc23_mine',
  'libc.so.6',
  'GLIBC_2.38',
  'GLIBC_2.17',
];
const strings = Buffer.from(`${names.join('\0')}\0`, 'latin1');
const nameAt = (name: string) => (name === '' ? 0 : strings.indexOf(`${name}\0`));

const symbols: [name: string, section: number, version: number][] = [
  ['', 0, 0],
  ['__isoc23_strtol', 0, 3],
  ['malloc', 0, 2],
  ['__isoc23_mine', 1, 1],
];

function symbolTable(): Buffer {
  const table = Buffer.alloc(symbols.length * 24);
  for (const [index, [name, section]] of symbols.entries()) {
    table.writeUInt32LE(nameAt(name), index * 24);
    table.writeUInt16LE(section, index * 24 + 6);
  }
  return table;
}

function versionTable(): Buffer {
  return Buffer.concat(symbols.map(([, , version]) => Buffer.from([version, 0])));
}

/** Two libraries, each with both versions. */
function needTable(): Buffer {
  const table = Buffer.alloc(2 * 48);
  for (const library of [0, 48]) {
    table.writeUInt16LE(2, library + 2);
    table.writeUInt32LE(nameAt('libc.so.6'), library + 4);
    table.writeUInt32LE(16, library + 8);
    table.writeUInt32LE(library === 0 ? 48 : 0, library + 12);
    table.writeUInt32LE(nameAt('GLIBC_2.17'), library + 16 + 8);
    table.writeUInt32LE(16, library + 16 + 12);
    table.writeUInt32LE(nameAt('GLIBC_2.38'), library + 32 + 8);
  }
  return table;
}

function library(): Buffer {
  const parts = [
    { type: 0, bytes: Buffer.alloc(0), link: 0, info: 0 },
    { type: 3, bytes: strings, link: 0, info: 0 },
    { type: 11, bytes: symbolTable(), link: 1, info: 1 },
    { type: 0x6fffffff, bytes: versionTable(), link: 2, info: 0 },
    { type: 0x6ffffffe, bytes: needTable(), link: 1, info: 2 },
  ];
  const header = Buffer.alloc(64);
  header.write('7f454c460201', 'hex');
  header.writeUInt16LE(64, 0x3a);
  header.writeUInt16LE(parts.length, 0x3c);
  let offset = header.length;
  const headers = parts.map(({ type, bytes, link, info }) => {
    const one = Buffer.alloc(64);
    one.writeUInt32LE(type, 4);
    one.writeBigUInt64LE(BigInt(offset), 0x18);
    one.writeBigUInt64LE(BigInt(bytes.length), 0x20);
    one.writeUInt32LE(link, 0x28);
    one.writeUInt32LE(info, 0x2c);
    offset += bytes.length;
    return one;
  });
  header.writeBigUInt64LE(BigInt(offset), 0x28);
  return Buffer.concat([header, ...parts.map(({ bytes }) => bytes), ...headers]);
}

const symbolsAt = 64 + strings.length;
const versionsAt = symbolsAt + symbols.length * 24;
const needsAt = versionsAt + symbols.length * 2;

function nameOf(bytes: Buffer, index: number): string {
  const at = 64 + bytes.readUInt32LE(symbolsAt + index * 24);
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

describe('an adapted library', () => {
  const adapted = withoutNewerGlibc(library());

  test('asks for the plain functions, of any version', () => {
    expect([0, 1, 2, 3].map((index) => nameOf(adapted, index))).toEqual([
      '',
      'strtol',
      'malloc',
      '__isoc23_mine',
    ]);
    expect([0, 1, 2, 3].map((index) => adapted.readUInt16LE(versionsAt + index * 2))).toEqual([
      0, 1, 2, 1,
    ]);
  });

  test('wants the newer version weakly, of each library', () => {
    const flags = [16, 32, 64, 80].map((aux) => adapted.readUInt16LE(needsAt + aux + 4));
    expect(flags).toEqual([0, 2, 0, 2]);
  });

  test('is the same in all else', () => {
    const before = library();
    const changed = [...adapted.keys()].filter((at) => adapted[at] !== before[at]);
    expect(adapted).toHaveLength(before.length);
    expect(changed).toEqual([symbolsAt + 24, versionsAt + 2, needsAt + 36, needsAt + 84]);
  });

  test('is a copy, and stays as it is when adapted again', () => {
    const before = library();
    withoutNewerGlibc(before);
    expect(before.equals(library())).toBe(true);
    expect(withoutNewerGlibc(adapted).equals(adapted)).toBe(true);
  });
});

function codeOf(bytes: Uint8Array): string {
  try {
    withoutNewerGlibc(bytes);
    return 'adapted';
  } catch (error) {
    return error instanceof CutoverError ? error.code : String(error);
  }
}

describe('refused', () => {
  test.each<[string, (bytes: Buffer) => unknown]>([
    ['another magic', (bytes) => bytes.write('MZ')],
    ['32 bits', (bytes) => bytes.writeUInt8(1, 4)],
    ['big-endian', (bytes) => bytes.writeUInt8(2, 5)],
    ['section headers of another size', (bytes) => bytes.writeUInt16LE(40, 0x3a)],
    ['no sections', (bytes) => bytes.writeUInt16LE(0, 0x3c)],
    ['sections outside the file', (bytes) => bytes.writeBigUInt64LE(1n << 40n, 0x28)],
    ['a name outside the file', (bytes) => bytes.writeUInt32LE(0x7fffffff, symbolsAt + 24)],
    [
      'symbols without end',
      (bytes) => bytes.writeBigUInt64LE(1n << 40n, bytes.length - 3 * 64 + 0x20),
    ],
    ['names that are no section', (bytes) => bytes.writeUInt32LE(99, bytes.length - 3 * 64 + 0x28)],
    ['needs outside the file', (bytes) => bytes.writeUInt32LE(0x7fffffff, needsAt + 8)],
  ])('%s', (_name, change) => {
    const bytes = library();
    change(bytes);
    expect(codeOf(bytes)).toBe('native-unreadable');
  });

  test('a file that was cut off before the last field that is read', () => {
    const whole = library();
    const codes = new Set(
      Array.from({ length: whole.length - 16 }, (_, end) => codeOf(whole.subarray(0, end))),
    );
    expect([...codes]).toEqual(['native-unreadable']);
  });
});

const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
const real = readdirSync(folder).filter((file) => /^uws_linux_(x64|arm64)_/.test(file));

test('there are real libraries', () => {
  expect(real.length).toBeGreaterThan(0);
});

test.each(real)('%s is adapted, in a few bytes', (file) => {
  const before = readFileSync(join(folder, file));
  const after = withoutNewerGlibc(before);
  let changed = 0;
  for (let at = 0; at < before.length; at++) if (before[at] !== after[at]) changed += 1;
  expect(after).toHaveLength(before.length);
  expect(changed).toBeGreaterThan(0);
  expect(changed).toBeLessThan(64);
  expect(withoutNewerGlibc(after).equals(after)).toBe(true);
});
