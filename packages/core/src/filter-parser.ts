import { Fault } from './fault.ts';
import { decodeEscape } from './filter-escape.ts';
import { quote } from './identifiers.ts';

/** One condition of a filter. */
export interface Selector {
  readonly path: readonly string[];
  readonly operator: 'present' | '==' | '!=' | '~=';
  /** Unquoted. Empty for `present`. */
  readonly value: string;
}

const SPACE = /\p{White_Space}*/uy;
const NAME = /[A-Za-z0-9_-]+/y;
const OPERATOR = /[=!~]+/y;
const VALUE = /[^,.=!~][^,\p{C}\p{Z}]*/uy;
/** containerd's scanner stops at these wherever they stand; U+FFFD because Go reads bad UTF-8 as that. */
const UNREADABLE = /[\0\uFFFD\p{Surrogate}]/u;

/**
 * Reads one filter: `path[operator value]` and more of these after commas. White space may stand before a name, an
 * operator or a value, nowhere else. A name is `[A-Za-z0-9_-]+` or quoted (containerd wants quotes around one with
 * `-`); a value ends at a comma or space unless quoted. Quoted means as in Go, `"..."`; after `~=` also `/.../` and
 * `|...|`, with the same escapes.
 *
 * @returns the selectors, none for an empty filter.
 * @throws Fault `invalid_argument`
 */
export function parseFilter(text: string): readonly Selector[] {
  if (text === '') return [];
  const parser = new Parser(text);
  const selectors = [parser.selector()];
  while (!parser.atEnd) {
    if (!parser.skip(',')) parser.fail('"," or the end');
    selectors.push(parser.selector());
  }
  return selectors;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const unreadable = text.search(UNREADABLE);
    if (unreadable >= 0) {
      this.#at = unreadable;
      this.fail('text without NUL, U+FFFD and lone surrogates');
    }
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  selector(): Selector {
    const path = [this.#name()];
    while (this.skip('.')) path.push(this.#name());
    if (this.atEnd || this.#next === ',') return { path, operator: 'present', value: '' };
    const operator = this.#operator();
    return { path, operator, value: this.#value(operator === '~=') };
  }

  skip(character: string): boolean {
    const found = this.#next === character;
    if (found) this.#at += 1;
    return found;
  }

  fail(expected: string): never {
    const found = this.atEnd ? 'the end' : quote(String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0));
    throw new Fault(
      'invalid_argument',
      `filter ${quote(this.#text)}: expected ${expected} at character ${this.#at + 1}, found ${found}`,
    );
  }

  get #next(): string | undefined {
    return this.#text[this.#at];
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0];
    this.#at += taken?.length ?? 0;
    return taken;
  }

  #name(): string {
    this.#take(SPACE);
    return (
      (this.#next === '"' ? this.#quoted() : this.#take(NAME)) ?? this.fail('a field name, plain or in "..."')
    );
  }

  #operator(): '==' | '!=' | '~=' {
    this.#take(SPACE);
    const start = this.#at;
    const operator = this.#take(OPERATOR);
    if (operator === '==' || operator === '!=' || operator === '~=') return operator;
    this.#at = start;
    return this.fail('"==", "!=" or "~="');
  }

  #value(isPattern: boolean): string {
    this.#take(SPACE);
    const next = this.#next;
    if (next === '"' || (isPattern && (next === '/' || next === '|'))) return this.#quoted();
    if (next === '/' || next === '|')
      return this.fail(`a value ("..." around one that starts with "${next}")`);
    return this.#take(VALUE) ?? this.fail('a value');
  }

  #quoted(): string {
    const mark = this.#next ?? '';
    this.#at += 1;
    const bytes: Uint8Array[] = [];
    while (!this.skip(mark)) {
      if (this.#next === '\\') {
        const escaped = decodeEscape(this.#text, this.#at, mark);
        if (escaped === undefined) return this.fail('an escape as in Go (a backslash itself is doubled)');
        bytes.push(escaped.bytes);
        this.#at += escaped.length;
        continue;
      }
      const start = this.#at;
      while (!this.atEnd && this.#next !== mark && this.#next !== '\\' && this.#next !== '\n') this.#at += 1;
      if (this.#at === start) return this.fail(`the closing ${mark}`);
      bytes.push(Buffer.from(this.#text.slice(start, this.#at)));
    }
    return Buffer.concat(bytes).toString();
  }
}
