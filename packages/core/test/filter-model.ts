import fc from 'fast-check';
import { type FieldAdaptor, labelsField } from '../src/index.ts';
import { matchesAnywhere, type Regex, regex, writeRegex } from './regex-model.ts';

// Filters as trees, the texts that say the same, and what they hold of an object: written from the grammar in containerd's
// pkg/filters/parser.go, without a look at how ours is read.

/** What is filtered: an object with a few fields, as those of images are. */
export interface Thing {
  readonly name: string;
  readonly target?: { readonly digest?: string };
  readonly labels?: Readonly<Record<string, string>>;
}

export type Path =
  | { readonly of: 'name' }
  | { readonly of: 'digest' }
  | { readonly of: 'label'; readonly key: string }
  | { readonly of: 'nothing'; readonly names: readonly string[] };

export type Selector = { readonly path: Path } & (
  | { readonly does: 'exist' }
  | { readonly does: 'equal' | 'differ'; readonly value: string }
  | { readonly does: 'match'; readonly regex: Regex }
);

/** Any of these, each all of those. */
export type Filters = ReadonlyArray<readonly Selector[]>;

const TEXT = [
  ...'abc',
  '.',
  '/',
  '|',
  ',',
  '"',
  '\\',
  '=',
  '!',
  '~',
  ' ',
  '\t',
  '\n',
  '\u0001',
  'é',
  '猫',
  '🐱',
];
export const text = fc.string({ unit: fc.constantFrom(...TEXT), maxLength: 5 });
const KEYS = ['a', 'b', 'a.b', 'a.b/c', 'c', '__proto__', 'constructor', 'x y', 'say "hi"', 'é', '\\'];
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
  text.filter((t) => t !== ''),
);

export const thing: fc.Arbitrary<Thing> = fc.record(
  {
    name: text,
    target: fc.record({ digest: text }, { requiredKeys: [] }),
    labels: fc.array(fc.tuple(key, text), { maxLength: 4 }).map(mapOf),
  },
  { requiredKeys: ['name'] },
);

const path: fc.Arbitrary<Path> = fc.oneof(
  fc.constant<Path>({ of: 'name' }),
  fc.constant<Path>({ of: 'digest' }),
  fc.record({ of: fc.constant('label' as const), key }),
  fc.record({
    of: fc.constant('nothing' as const),
    names: fc.constantFrom(
      ['size'],
      ['labels'],
      ['target'],
      ['target', 'size'],
      ['Name'],
      ['target', 'digest', 'x'],
    ),
  }),
);

const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc.record({ path, does: fc.constant('exist' as const) }),
  fc.record({ path, does: fc.constantFrom('equal' as const, 'differ' as const), value: text }),
  fc.record({ path, does: fc.constant('match' as const), regex }),
);

export const filters: fc.Arbitrary<Filters> = fc.array(fc.array(selector, { minLength: 1, maxLength: 3 }), {
  maxLength: 3,
});

/** What the filters say of a thing. */
export function holds(all: Filters, one: Thing): boolean {
  return all.length === 0 || all.some((selectors) => selectors.every((selector) => holdsOne(selector, one)));
}

function holdsOne(selector: Selector, one: Thing): boolean {
  const value = valueAt(selector.path, one);
  switch (selector.does) {
    case 'exist':
      return value !== undefined;
    case 'equal':
      return value === selector.value;
    case 'differ':
      return (value ?? '') !== selector.value;
    case 'match':
      return matchesAnywhere(selector.regex, value ?? '');
  }
}

function valueAt(path: Path, { name, target, labels }: Thing): string | undefined {
  switch (path.of) {
    case 'name':
      return name;
    case 'digest':
      return target?.digest;
    case 'label':
      return new Map(Object.entries(labels ?? {})).get(path.key);
    case 'nothing':
      return undefined;
  }
}

/** A way of writing: an endless stream of choices. */
export type Choose = <T>(...options: readonly [T, ...T[]]) => T;

export const choices: fc.Arbitrary<Choose> = fc.infiniteStream(fc.nat(1000)).map((stream) => {
  return (...options) => options[(stream.next().value as number) % options.length] as (typeof options)[0];
});

/** A text of one filter, in any of the legal ways. */
export function write(selectors: readonly Selector[], choose: Choose): string {
  return selectors.map((selector) => `${space(choose)}${writeOne(selector, choose)}`).join(',');
}

function writeOne(selector: Selector, choose: Choose): string {
  const names = writePath(selector.path, choose);
  const operand = (value: string, marks: readonly string[]) =>
    `${space(choose)}${writeValue(value, marks, choose)}`;
  switch (selector.does) {
    case 'exist':
      return names;
    case 'equal':
      return `${names}${space(choose)}==${operand(selector.value, ['"'])}`;
    case 'differ':
      return `${names}${space(choose)}!=${operand(selector.value, ['"'])}`;
    case 'match':
      return `${names}${space(choose)}~=${operand(writeRegex(selector.regex), ['"', '/', '|'])}`;
  }
}

function writePath(path: Path, choose: Choose): string {
  const name = (part: string) =>
    /^[A-Za-z0-9_-]+$/.test(part) && choose(true, false) ? part : quoted(part, '"', choose);
  switch (path.of) {
    case 'name':
      return name('name');
    case 'digest':
      return `${name('target')}.${name('digest')}`;
    case 'label': {
      // A key may come apart at its dots, which then are those of the path.
      const parts = choose(true, false) ? path.key.split('.') : [path.key];
      return ['labels', ...parts].map(name).join('.');
    }
    case 'nothing':
      return path.names.map(name).join('.');
  }
}

function writeValue(value: string, marks: readonly string[], choose: Choose): string {
  const isPlain = /^[^\s\p{C}\p{Z},.=!~"/|][^\s\p{C}\p{Z},]*$/u.test(value);
  if (isPlain && choose(true, false)) return value;
  return quoted(value, choose(...(marks as [string, ...string[]])), choose);
}

/** As a Go string, each character as it is or as one of its escapes; `mark` around. */
function quoted(value: string, mark: string, choose: Choose): string {
  return `${mark}${[...value].map((character) => spelled(character, mark, choose)).join('')}${mark}`;
}

function spelled(character: string, mark: string, choose: Choose): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  const bytes = [...Buffer.from(character)];
  const spellings = [
    code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`,
    `\\U${hex.padStart(8, '0').toUpperCase()}`,
    bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
    bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  ];
  const short: Readonly<Record<string, string>> = {
    '\\': '\\\\',
    '\n': '\\n',
    '\t': '\\t',
    [mark]: `\\${mark}`,
  };
  const plain = short[character] ?? character;
  return choose(plain, plain, plain, ...spellings);
}

function space(choose: Choose): string {
  return choose('', '', '', ' ', '\t ', '\u00a0');
}

/** How a store shows a thing to a filter. */
export function adaptor({ name, target, labels }: Thing): FieldAdaptor {
  return (path) => {
    const [first, second] = path;
    if (first === 'labels') return labelsField(labels, path);
    if (path.length === 1) return first === 'name' ? name : undefined;
    return path.length === 2 && first === 'target' && second === 'digest' ? target?.digest : undefined;
  };
}

function mapOf(entries: ReadonlyArray<readonly [string, string]>): Record<string, string> {
  const map: Record<string, string> = Object.create(null);
  for (const [name, value] of entries) map[name] = value;
  return map;
}
