import type { HeaderList } from '../header-list.ts';

/** Lower case names, sorted, each once; '*' when that is among them, null when there are too many. */
export function parseVary(_value: string | undefined): readonly string[] | '*' | null {
  throw new Error('signature');
}

/** A selecting field's value in the form in which equal meanings are equal texts. */
export function normaliseSelecting(_name: string, _value: string | undefined): string {
  throw new Error('signature');
}

/** `\nv:name=value` for each name, in the order given (RFC 9111, section 4.1). */
export function variantSuffix(_names: readonly string[], _requestHeaders: HeaderList): string {
  throw new Error('signature');
}
