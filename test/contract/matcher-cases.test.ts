// Goal: the rule of precedence, case by case. Method: one table of routes per subject, and for each
// request the route that must take it, from the naive matcher and from the compiled one alike.
import { describe, expect, test } from 'vitest';
import { resolved } from '../kit/compiled.ts';
import { naiveMatch } from '../kit/naive-matcher.ts';
import { realMatcher } from '../kit/real-matcher.ts';

/** `GET host/path key=value x-name:value` */
function requestOf(line: string) {
  const [method = '', target = '', ...fields] = line.split(' ');
  const at = target.indexOf('/');
  const pairs = (sign: string) =>
    Object.fromEntries(fields.filter((one) => one.includes(sign)).map((one) => one.split(sign)));
  return {
    method,
    host: target.slice(0, at),
    path: target.slice(at),
    headers: pairs(':'),
    query: pairs('='),
  };
}

type Match = { path: string; [field: string]: unknown };

function tableOf(matches: Record<string, Match | string>) {
  const routes = Object.entries(matches).map(([id, match]) => ({
    id,
    match: typeof match === 'string' ? { path: match } : match,
    respond: {},
  }));
  return resolved({ routes });
}

const subjects: Record<string, [Record<string, Match | string>, Record<string, string>]> = {
  'exact host over longer wildcard over shorter wildcard over none': [
    {
      none: '/x',
      short: { hosts: ['*.b'], path: '/x' },
      long: { hosts: ['*.a.b'], path: '/x' },
      exact: { hosts: ['www.a.b'], path: '/x' },
    },
    {
      'GET www.a.b/x': 'exact',
      'GET WWW.A.B/x': 'exact',
      'GET www.a.b:8080/x': 'exact',
      'GET ftp.a.b/x': 'long',
      'GET y.www.a.b/x': 'long',
      'GET a.b/x': 'short',
      'GET b/x': 'none',
      'GET xa.b/x': 'short',
      'GET c/x': 'none',
      'GET www.a.b./x': 'none',
    },
  ],
  'a host on which nothing matches falls through': [
    {
      exact: { hosts: ['www.a.b'], path: '/exact' },
      long: { hosts: ['*.a.b'], path: '/long/{id}', methods: ['GET'] },
      short: { hosts: ['*.b'], path: '/long/{id}' },
      none: '/**',
    },
    {
      'GET www.a.b/exact': 'exact',
      'GET www.a.b/long/1': 'long',
      'POST www.a.b/long/1': 'short',
      'POST www.a.b/exact': 'exact',
      'GET www.a.b/other': 'none',
    },
  ],
  'an address is a host': [
    { v4: { hosts: ['127.0.0.1'], path: '/' }, v6: { hosts: ['[::1]'], path: '/' }, none: '/' },
    {
      'GET 127.0.0.1:80/': 'v4',
      'GET [::1]/': 'v6',
      'GET [::1]:80/': 'v6',
      'GET [::2]:80/': 'none',
    },
  ],
  'literal over parameter over rest, segment by segment from the left': [
    {
      rest: '/**',
      'a-rest': '/a/**',
      'a-param': '/a/{x}',
      'a-b': '/a/b',
      'a-param-c': '/a/{x}/c',
      'a-b-rest': '/a/b/**',
      'param-b-c': '/{x}/b/c',
    },
    {
      'GET h/': 'rest',
      'GET h/z': 'rest',
      'GET h/a': 'a-rest',
      'GET h/a/': 'a-rest',
      'GET h/a/z': 'a-param',
      'GET h/a/b': 'a-b',
      'GET h/a/b/': 'a-b-rest',
      'GET h/a/b/c': 'a-b-rest',
      'GET h/a/z/c': 'a-param-c',
      'GET h/a/z/d': 'a-rest',
      'GET h/z/b/c': 'param-b-c',
      'GET h//b/c': 'rest',
    },
  ],
  'a path that ends is over one that takes zero more segments': [
    { rest: '/a/**', end: '/a', root: '/', 'root-rest': '/**' },
    { 'GET h/a': 'end', 'GET h/a/': 'rest', 'GET h/': 'root', 'GET h/b': 'root-rest' },
  ],
  'a literal that leads nowhere is given up': [
    { deep: '/a/b/c/d', param: '/a/{x}/c/{y}', rest: '/{x}/b/**' },
    { 'GET h/a/b/c/d': 'deep', 'GET h/a/b/c/e': 'param', 'GET h/a/b/d/d': 'rest' },
  ],
  'a slash at the end is meant': [
    { without: '/a', with: '/a/' },
    { 'GET h/a': 'without', 'GET h/a/': 'with' },
  ],
  'more predicates first, a list of methods counts one, then order': [
    {
      plain: '/x',
      get: { path: '/x', methods: ['GET', 'HEAD'] },
      'x-a': { path: '/x', headers: { 'x-a': '1' } },
      both: { path: '/x', headers: { 'x-a': '1' }, query: { q: '1' } },
      three: { path: '/x', methods: ['GET'], headers: { 'x-a': '1' }, query: { q: '1' } },
      absent: { path: '/x', headers: { 'x-a': { present: false }, 'x-b': { present: true } } },
      regex: { path: '/x', methods: ['GET'], query: { q: { regex: '[a-c]+' } } },
    },
    {
      'POST h/x': 'plain',
      'GET h/x': 'get',
      'POST h/x x-a:1': 'x-a',
      'GET h/x x-a:1': 'get',
      'POST h/x x-a:1 q=1': 'both',
      'GET h/x x-a:1 q=1': 'three',
      'GET h/x x-b:0': 'absent',
      'GET h/x q=abc': 'regex',
      'GET h/x q=abcd': 'get',
    },
  ],
  'methods without a bit are compared as text': [
    {
      purge: { path: '/x', methods: ['PURGE', 'GET'] },
      report: { path: '/x', methods: ['REPORT'] },
      any: '/y',
    },
    {
      'PURGE h/x': 'purge',
      'REPORT h/x': 'report',
      'GET h/x': 'purge',
      'BREW h/y': 'any',
      'BREW h/x': 'none of GET, PURGE, REPORT',
      'POST h/x': 'none of GET, PURGE, REPORT',
      'POST h/z': 'none of ',
    },
  ],
  'a method that is not allowed names those that are, on every host that was tried': [
    {
      get: { hosts: ['a.b'], path: '/x', methods: ['GET'] },
      put: { hosts: ['*.b'], path: '/{y}', methods: ['PUT'] },
      patch: { path: '/**', methods: ['PATCH'] },
      delete: { path: '/x', methods: ['DELETE'], headers: { 'x-a': '1' } },
    },
    {
      'POST a.b/x': 'none of GET, PATCH, PUT',
      'POST a.b/x x-a:1': 'none of DELETE, GET, PATCH, PUT',
      'POST c.b/x': 'none of PATCH, PUT',
      'POST c/x': 'none of PATCH',
    },
  ],
};

describe.each(Object.entries(subjects))('%s', (_subject, [matches, cases]) => {
  const table = tableOf(matches);
  const match = realMatcher(table);
  test.each(Object.entries(cases))('%s is for %s', (line, wanted) => {
    const naive = naiveMatch(table, requestOf(line));
    expect(naive.route ?? `none of ${'allow' in naive ? naive.allow.join(', ') : ''}`).toBe(wanted);
    const real = match(requestOf(line));
    const bits = 'allow' in naive ? { route: null, allow: withoutNames(naive.allow) } : naive;
    expect(real).toEqual(bits);
  });
});

function withoutNames(methods: readonly string[]): string[] {
  const named = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  return [...new Set(methods.map((one) => (named.includes(one) ? one : 'other')))].sort();
}
