import fc from 'fast-check';

// Regular expressions as trees, and what they match by the plainest definition: which positions a tree may end at, for
// each at which it may begin.

export type Regex =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'any' }
  | { readonly is: 'class'; readonly of: string; readonly negated: boolean }
  | { readonly is: 'start' }
  | { readonly is: 'end' }
  | { readonly is: 'all'; readonly parts: readonly Regex[] }
  | { readonly is: 'either'; readonly parts: readonly Regex[] }
  | { readonly is: 'repeat'; readonly part: Regex; readonly mark: '*' | '+' | '?' };

/** Of characters that mean something to regular expressions, quoting or masks, and of more than one byte. */
const LETTERS = [...'ab./|,"\\^$*+?()[]{}-', 'é', '猫', '🐱'];

const leaf: fc.Arbitrary<Regex> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('text' as const),
      text: fc.string({ unit: fc.constantFrom(...LETTERS), maxLength: 3 }),
    }),
  },
  fc.record({ is: fc.constant('any' as const) }),
  fc.record({
    is: fc.constant('class' as const),
    of: fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 3 }),
    negated: fc.boolean(),
  }),
  fc.record({ is: fc.constantFrom('start' as const, 'end' as const) }),
);

export const regex: fc.Arbitrary<Regex> = fc.letrec<{ tree: Regex }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      is: fc.constantFrom('all' as const, 'either' as const),
      parts: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      is: fc.constant('repeat' as const),
      part: tie('tree'),
      mark: fc.constantFrom('*' as const, '+' as const, '?' as const),
    }),
  ),
})).tree;

/** The tree in the syntax of RE2. */
export function writeRegex(tree: Regex): string {
  switch (tree.is) {
    case 'text':
      return [...tree.text].map(escaped).join('');
    case 'any':
      return '.';
    case 'class':
      return `[${tree.negated ? '^' : ''}${[...tree.of].map(escaped).join('')}]`;
    case 'start':
      return '^';
    case 'end':
      return '$';
    case 'all':
      return tree.parts.map(grouped).join('');
    case 'either':
      return tree.parts.map(grouped).join('|');
    case 'repeat':
      return `${grouped(tree.part)}${tree.mark}`;
  }
}

/** Whether the tree matches anywhere in a text. */
export function matchesAnywhere(tree: Regex, text: string): boolean {
  const characters = [...text];
  return characters.concat('').some((_, at) => ends(tree, characters, new Set([at])).size > 0);
}

function ends(tree: Regex, text: readonly string[], starts: ReadonlySet<number>): ReadonlySet<number> {
  switch (tree.is) {
    case 'text': {
      const wanted = [...tree.text];
      return moved(starts, (at) =>
        wanted.every((character, i) => text[at + i] === character) ? at + wanted.length : undefined,
      );
    }
    case 'any':
      return moved(starts, (at) => (at < text.length && text[at] !== '\n' ? at + 1 : undefined));
    case 'class':
      return moved(starts, (at) => {
        const character = text[at];
        return character !== undefined && [...tree.of].includes(character) !== tree.negated
          ? at + 1
          : undefined;
      });
    case 'start':
      return moved(starts, (at) => (at === 0 ? at : undefined));
    case 'end':
      return moved(starts, (at) => (at === text.length ? at : undefined));
    case 'all':
      return tree.parts.reduce((from, part) => ends(part, text, from), starts);
    case 'either':
      return new Set(tree.parts.flatMap((part) => [...ends(part, text, starts)]));
    case 'repeat': {
      const once = ends(tree.part, text, starts);
      if (tree.mark === '?') return new Set([...starts, ...once]);
      const reached = new Set(tree.mark === '*' ? [...starts, ...once] : once);
      for (let size = -1; size !== reached.size; ) {
        size = reached.size;
        for (const end of ends(tree.part, text, reached)) reached.add(end);
      }
      return reached;
    }
  }
}

function moved(starts: ReadonlySet<number>, move: (at: number) => number | undefined): Set<number> {
  return new Set([...starts].map(move).filter((at) => at !== undefined));
}

function grouped(tree: Regex): string {
  return `(?:${writeRegex(tree)})`;
}

function escaped(character: string): string {
  return /[\\.+*?()|[\]{}^$-]/.test(character) ? `\\${character}` : character;
}
