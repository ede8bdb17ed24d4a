import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileFilters } from '../src/index.ts';
import { adaptor, choices, type Filters, filters, holds, type Thing, thing, write } from './filter-model.ts';

const LONG = process.env.STOWAGE_LONG === '1';
const RUNS = LONG ? 100_000 : 1000;
const LONG_MS = 600_000;

test(
  'filters hold what their trees say, however they are written',
  () => {
    const seen = { yes: 0, no: 0 };
    fc.assert(
      fc.property(
        filters,
        fc.array(thing, { minLength: 1, maxLength: 4 }),
        choices,
        (all, things, choose) => {
          const texts = all.map((selectors) => write(selectors, choose));
          const matches = compileFilters(texts);
          for (const one of [...things, ...alike(all, things[0] as Thing)]) {
            const expected = holds(all, one);
            seen[expected ? 'yes' : 'no'] += 1;
            if (matches(adaptor(one)) !== expected)
              throw new Error(
                `${JSON.stringify(texts)} must ${expected ? '' : 'not '}hold of ${JSON.stringify(one)}`,
              );
          }
        },
      ),
      { numRuns: RUNS },
    );
    // Neither all nor nothing: both answers are tried often.
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(RUNS / 2);
  },
  LONG_MS,
);

/** Things that have what the filters ask for, which random ones seldom do. */
function alike(all: Filters, one: Thing): Thing[] {
  return all.map((selectors) => {
    let { name, target } = one;
    const labels: Record<string, string> = Object.assign(Object.create(null), one.labels);
    for (const selector of selectors) {
      const value = 'value' in selector ? selector.value : 'a';
      if (selector.path.of === 'name') name = value;
      if (selector.path.of === 'digest') target = { digest: value };
      if (selector.path.of === 'label') labels[selector.path.key] = value;
    }
    return { name, labels, ...(target && { target }) };
  });
}

describe('whatever the text', () => {
  const parts = [
    'a',
    'name',
    '.',
    ',',
    '==',
    '!=',
    '~=',
    '=',
    '"',
    '/',
    '|',
    '\\',
    '\\x41',
    '\\u12',
    ' ',
    '(',
    '[',
    '*',
  ];
  const shaped = fc.array(fc.constantFrom(...parts, '猫', '\n', '\0', '\ufffd', '\ud800'), { maxLength: 20 });
  const texts = fc.oneof(
    shaped.map((all) => all.join('')),
    fc.string({ unit: 'binary' }),
    // A good filter with one character more, less, or other.
    fc.tuple(filters, choices, fc.nat(), fc.constantFrom('', ...parts)).map(([all, choose, at, other]) => {
      const good = all.map((selectors) => write(selectors, choose)).join(',');
      const cut = at % (good.length + 1);
      return good.slice(0, cut) + other + good.slice(cut + (at % 2));
    }),
  );

  test(
    'it compiles, or is refused as invalid_argument',
    () => {
      const seen = { compiled: 0, refused: 0 };
      fc.assert(
        fc.property(texts, (text) => {
          try {
            compileFilters([text])(() => 'a');
            seen.compiled += 1;
          } catch (e) {
            seen.refused += 1;
            expect(e).toMatchObject({ name: 'Fault', kind: 'invalid_argument' });
          }
        }),
        { numRuns: RUNS },
      );
      expect(Math.min(seen.compiled, seen.refused)).toBeGreaterThan(RUNS / 20);
    },
    LONG_MS,
  );
});

/**
 * How much longer one piece of work takes than ten of a tenth its size: once as long where time is linear, ten times
 * where it is quadratic. The least of several, as the machine may be busy.
 */
function growth(work: (size: number) => void, size: number): number {
  const timeOf = (times: number, n: number) => {
    const start = performance.now();
    for (let i = 0; i < times; i += 1) work(n);
    return performance.now() - start;
  };
  timeOf(10, size / 10);
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 10 && least > LINEAR; tries += 1) {
    const small = timeOf(10, size / 10);
    least = Math.min(least, timeOf(1, size) / small);
  }
  return least;
}

const LINEAR = 4;

describe('hostile filters take time linear in', () => {
  test.each([
    ['(a+)+$', 'a'],
    ['(a|a)*$', 'a'],
    ['(a|aa)+$', 'a'],
    ['(.*a){12}$', 'a'],
    ['(a*)*(a*)*(a*)*$', 'a'],
    ['(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
    ['(x+x+)+y', 'x'],
    ['.*.*.*.*.*=.*', 'x'],
    ['a{0,200}$', 'a'],
    ['(a?){50}a{50}$', 'a'],
    ['(é|é|猫)*$', 'é'],
  ])(
    'the value: %s',
    (pattern, character) => {
      const matches = compileFilters([`x~="^${pattern}"`]);
      const grown = growth((size) => {
        expect(matches(() => `${character.repeat(size)}!`)).toBe(false);
      }, 20_000);
      expect(grown).toBeLessThan(LINEAR);
    },
    60_000,
  );

  test.each<[string, (size: number) => string]>([
    ['many selectors', (size) => Array(size).fill('name=="b\\x61"').join(',')],
    ['many names', (size) => Array(size).fill('a').join('.')],
    ['a long name', (size) => 'a'.repeat(size)],
    ['a long quoted value', (size) => `name=="${'\\n'.repeat(size)}"`],
    ['a quote that never ends', (size) => `name=="${'a'.repeat(size)}`],
    ['many quotes', (size) => `name==${'"'.repeat(size)}`],
    ['backslashes', (size) => `name=="${'\\'.repeat(size)}`],
    ['spaces', (size) => `name${' '.repeat(size)}`],
    ['operators', (size) => `name${'='.repeat(size)}`],
    ['a long value with nothing at its end', (size) => `name==${'a'.repeat(size)}\0`],
    ['a long pattern', (size) => `name~="${'a?'.repeat(size)}"`],
    ['brackets that never close', (size) => `name~="${'('.repeat(size)}"`],
  ])(
    'the text: %s',
    (_, text) => {
      const grown = growth((size) => {
        try {
          compileFilters([text(size)]);
        } catch (e) {
          expect(e).toMatchObject({ kind: 'invalid_argument' });
        }
      }, 20_000);
      expect(grown).toBeLessThan(LINEAR);
    },
    60_000,
  );
});

test('the engine of regular expressions is loaded by the first pattern, not before', () => {
  const script = `
    import { createRequire } from 'node:module';
    import { compileFilters } from '@stowage/core';
    const { cache } = createRequire(import.meta.url);
    const loaded = () => Object.keys(cache).some((file) => file.includes('re2js'));
    const seen = [loaded()];
    compileFilters(['name==a,labels.b!=c', 'labels']);
    seen.push(loaded());
    compileFilters(['name~=a']);
    seen.push(loaded());
    console.log(JSON.stringify(seen));
  `;
  const args = ['--conditions=stowage-source', '--input-type=module', '--eval', script];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env, cwd }))).toEqual([
    false,
    false,
    true,
  ]);
});
