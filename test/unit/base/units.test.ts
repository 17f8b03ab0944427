// Goal: durations, sizes and shares are read as people write them, and nothing else is. Method: a
// table for each.
import { describe, expect, test } from 'vitest';
import {
  parseDurationMs,
  parsePercent,
  parseSizeBytes,
  printBytes,
} from '../../../src/base/units.ts';

describe('durations', () => {
  test.each([
    ['0ms', 0],
    ['250ms', 250],
    ['1s', 1000],
    ['1.5s', 1500],
    ['0.001s', 1],
    ['1.5ms', 2],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['007s', 7000],
  ])('%s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each([
    '',
    '1',
    's',
    '1 s',
    ' 1s',
    '1s ',
    '-1s',
    '+1s',
    '1S',
    '1d',
    '1.s',
    '.5s',
    '1e3s',
    '1,5s',
    '1.0001s',
    '1234567890s',
    '1s\n',
    '１s',
  ])('%j is none', (text) => {
    expect(parseDurationMs(text)).toBeNull();
  });
});

describe('sizes', () => {
  test.each([
    ['0B', 0],
    ['512B', 512],
    ['64KiB', 65_536],
    ['1.5MiB', 1_572_864],
    ['1GiB', 1_073_741_824],
    ['10KB', 10_000],
    ['10MB', 10_000_000],
    ['1GB', 1_000_000_000],
  ])('%s', (text, bytes) => {
    expect(parseSizeBytes(text)).toBe(bytes);
  });

  test.each(['', '1', '1kb', '1K', '1 KiB', '-1B', '1TiB', '1b', '1KiB\n'])(
    '%j is none',
    (text) => {
      expect(parseSizeBytes(text)).toBeNull();
    },
  );
});

describe('shares', () => {
  test.each([
    ['0%', 0],
    ['0.5%', 0.5],
    ['20%', 20],
    ['99.99%', 99.99],
    ['100%', 100],
    ['100.00%', 100],
  ])('%s', (text, percent) => {
    expect(parsePercent(text)).toBe(percent);
  });

  test.each(['', '%', '5', '100.01%', '101%', '1000%', '-1%', '0.125%', '5 %', '1e1%', '5%\n'])(
    '%j is none',
    (text) => {
      expect(parsePercent(text)).toBeNull();
    },
  );
});

describe('bytes for people', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1_048_576, '1.0 MiB'],
    [5_368_709_120, '5.0 GiB'],
    [2 ** 50, '1024.0 TiB'],
  ])('%i is %s', (bytes, text) => {
    expect(printBytes(bytes)).toBe(text);
  });

  test.each([1_048_575, 1_073_741_823])('%i is no 1024.0 of the unit below', (bytes) => {
    expect(printBytes(bytes)).not.toContain('1024.0');
  });
});
