import type { TemplateT } from '#generated/cutover.js';
import { cacheTagBytesMax } from '../../base/limits.ts';
import type { Exchange } from '../exchange.ts';
import { safeValue } from '../policies/headers.ts';
import { decodeTemplate } from './template.ts';

/** The tags that a route gives to what it stores. */
export interface TagPlan {
  of(exchange: Exchange): string[];
  areTooLong(exchange: Exchange): boolean;
}

export function decodeTags(templates: readonly TemplateT[]): TagPlan {
  const runners = templates.map(decodeTemplate);
  const render = (exchange: Exchange): string[] =>
    runners.map((tag) => tag.constant?.trim() ?? safeValue(tag.render(exchange)).trim());
  const constant = runners.every((tag) => tag.constant !== null);
  return {
    of: (exchange) => [...new Set(render(exchange))].filter((tag) => tag !== '' && fits(tag)),
    areTooLong: (exchange) => !constant && !render(exchange).every(fits),
  };
}

/** Bytes and characters are one: what a request is made of is ASCII by the time it is stored. */
function fits(tag: string): boolean {
  return tag.length <= cacheTagBytesMax;
}
