/**
 * Header fields in the order they came: two parallel arrays, since a list is walked far more
 * often than it is searched, and a request has about a dozen. Names are lower case.
 */
export class HeaderList {
  readonly names: string[];
  readonly values: string[];

  constructor(names: string[] = [], values: string[] = []) {
    this.names = names;
    this.values = values;
  }

  get count(): number {
    return this.names.length;
  }

  clear(): void {
    this.names.length = 0;
    this.values.length = 0;
  }

  /** The first value, or undefined. */
  get(name: string): string | undefined {
    const at = this.names.indexOf(name);
    return at < 0 ? undefined : this.values[at];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** Replaces the first of that name, removes the others, or adds one. */
  set(name: string, value: string): void {
    const at = this.names.indexOf(name);
    if (at < 0) {
      this.add(name, value);
      return;
    }
    this.values[at] = value;
    this.#removeFrom(name, at + 1);
  }

  remove(name: string): void {
    this.#removeFrom(name, 0);
  }

  /**
   * All values of a name, joined as one list (RFC 9110, section 5.3), or undefined. Cookies are no
   * list: they are parted by semicolons (RFC 6265, section 4.2.1).
   */
  joined(name: string): string | undefined {
    const separator = name === 'cookie' ? '; ' : ', ';
    let joined: string | undefined;
    for (let i = this.names.indexOf(name); i >= 0; i = this.names.indexOf(name, i + 1)) {
      const value = this.values[i] as string;
      joined = joined === undefined ? value : joined + separator + value;
    }
    return joined;
  }

  /** The same without empty values, which add nothing to a list; undefined: there are no others. */
  elements(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const given = this.values.filter((value, at) => this.names[at] === name && value !== '');
    return given.length === 0 ? undefined : given.join(', ');
  }

  #removeFrom(name: string, from: number): void {
    let at = this.names.indexOf(name, from);
    if (at < 0) return;
    let kept = at;
    for (; at < this.names.length; at++) {
      if (this.names[at] === name) continue;
      this.names[kept] = this.names[at] as string;
      this.values[kept] = this.values[at] as string;
      kept += 1;
    }
    this.names.length = kept;
    this.values.length = kept;
  }
}
