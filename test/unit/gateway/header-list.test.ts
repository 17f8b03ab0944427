// Goal: a list of header fields keeps order and finds what is asked. Method: small lists, and
// random edits against a plain array of pairs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeaderList } from '../../../src/gateway/header-list.ts';

function listOf(...pairs: readonly (readonly [string, string])[]): HeaderList {
  const list = new HeaderList();
  for (const [name, value] of pairs) list.add(name, value);
  return list;
}

function pairsOf({ names, values }: HeaderList): [string, string][] {
  expect(names).toHaveLength(values.length);
  return names.map((name, index) => [name, values[index] as string]);
}

const abac = (): HeaderList => listOf(['a', '1'], ['b', '2'], ['a', '3'], ['c', '4']);

describe('reading', () => {
  test('get is the first, joined is all', () => {
    expect(abac().get('a')).toBe('1');
    expect(abac().joined('a')).toBe('1, 3');
    expect(abac().joined('b')).toBe('2');
  });

  test('what is not there is undefined', () => {
    expect(abac().get('x')).toBeUndefined();
    expect(abac().joined('x')).toBeUndefined();
    expect(abac().has('x')).toBe(false);
    expect(listOf(['constructor', '1']).has('toString')).toBe(false);
  });

  test('an empty value is there', () => {
    const list = listOf(['a', ''], ['a', '1']);
    expect(list.get('a')).toBe('');
    expect(list.has('a')).toBe(true);
    expect(list.joined('a')).toBe(', 1');
  });
});

describe('changing', () => {
  test('set takes the place of the first and removes the others', () => {
    const list = abac();
    list.set('a', '9');
    expect(pairsOf(list)).toEqual([
      ['a', '9'],
      ['b', '2'],
      ['c', '4'],
    ]);
  });

  test('set adds what is not there at the end', () => {
    const list = abac();
    list.set('d', '5');
    expect(pairsOf(list).at(-1)).toEqual(['d', '5']);
    expect(list.count).toBe(5);
  });

  test('remove takes all of a name', () => {
    const list = abac();
    list.remove('a');
    expect(pairsOf(list)).toEqual([
      ['b', '2'],
      ['c', '4'],
    ]);
    list.remove('x');
    expect(list.count).toBe(2);
  });

  test('clear leaves nothing', () => {
    const list = abac();
    list.clear();
    expect(pairsOf(list)).toEqual([]);
    expect(list.count).toBe(0);
  });
});

type Pairs = readonly (readonly [string, string])[];

const edits: Readonly<Record<string, (pairs: Pairs, name: string, value: string) => Pairs>> = {
  add: (pairs, name, value) => [...pairs, [name, value]],
  remove: (pairs, name) => pairs.filter(([one]) => one !== name),
  set: (pairs, name, value) => {
    const at = pairs.findIndex(([one]) => one === name);
    if (at < 0) return [...pairs, [name, value]];
    return pairs.flatMap((pair, index): Pairs => {
      if (index === at) return [[name, value]];
      return pair[0] === name ? [] : [pair];
    });
  },
};

test('random edits do what they do to an array of pairs', () => {
  const edit = fc.tuple(
    fc.constantFrom('add', 'remove', 'set'),
    fc.constantFrom('a', 'b', 'c'),
    fc.constantFrom('1', '2', '3'),
  );
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (all) => {
      const list = new HeaderList();
      let pairs: Pairs = [];
      for (const [kind, name, value] of all) {
        list[kind as 'add' | 'set'](name, value);
        pairs = edits[kind]?.(pairs, name, value) ?? pairs;
      }
      expect(pairsOf(list)).toEqual(pairs);
    }),
    { seed: 21 },
  );
});
