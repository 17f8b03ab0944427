import type { TemplateT } from '#generated/cutover.js';
import { cacheTagBytesMax } from '../../base/limits.ts';
import type { Exchange } from '../exchange.ts';
import { safeValue } from '../policies/headers.ts';
import { decodeTemplate, type TemplateRunner } from './template.ts';

/** The tags that a route gives to what it stores. */
export class TagPlan {
  readonly #templates: readonly TemplateRunner[];
  readonly #constant: boolean;

  constructor(templates: readonly TemplateT[]) {
    this.#templates = templates.map(decodeTemplate);
    this.#constant = this.#templates.every((tag) => tag.constant !== null);
  }

  of(exchange: Exchange): string[] {
    return [...new Set(this.#render(exchange))].filter((tag) => tag !== '' && fits(tag));
  }

  areTooLong(exchange: Exchange): boolean {
    return !this.#constant && !this.#render(exchange).every(fits);
  }

  #render(exchange: Exchange): string[] {
    return this.#templates.map(
      (tag) => tag.constant?.trim() ?? safeValue(tag.render(exchange)).trim(),
    );
  }
}

/** Bytes and characters are one: what a request is made of is ASCII by the time it is stored. */
function fits(tag: string): boolean {
  return tag.length <= cacheTagBytesMax;
}
