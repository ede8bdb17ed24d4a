import { describe, expect, test } from '@jest/globals';
import { compileFilters, type FieldAdaptor, labelsField } from '../src/index.ts';

interface Thing {
  readonly name: string;
  readonly other?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const fieldsOf =
  (thing: Thing): FieldAdaptor =>
  (path) => {
    switch (path[0]) {
      case 'name':
        return thing.name;
      case 'other':
        return thing.other;
      case 'labels':
        return labelsField(thing.labels, path);
      default:
        return undefined;
    }
  };

const things: readonly Thing[] = [
  { name: 'plain' },
  { name: 'app', labels: { tier: 'web', 'example.com/team': 'blue' } },
  { name: 'db', other: 'one, two', labels: { tier: 'db', 'key with space': 'x', 'say "hi" \\o/': 'yes' } },
  { name: 'db-2', other: 'abc', labels: { tier: 'db', empty: '' } },
  { name: '猫', labels: { ネコ: 'にゃあ' } },
];

const matching = (...filters: string[]) => {
  const matches = compileFilters(filters);
  return things.filter((thing) => matches(fieldsOf(thing))).map(({ name }) => name);
};

describe('what matches', () => {
  const everything = things.map(({ name }) => name);

  test.each<[string, string[], string[]]>([
    ['no filter matches everything', [], everything],
    ['an empty one, too', [''], everything],
    ['even beside one that matches nothing', ['name==nobody', ''], everything],
    ['presence', ['other'], ['db', 'db-2']],
    ['presence of a label', ['labels.tier'], ['app', 'db', 'db-2']],
    ['presence of an empty label', ['labels.empty'], ['db-2']],
    ['equality', ['name==db'], ['db']],
    ['inequality holds where the field is absent', ['other!=abc'], ['plain', 'app', 'db', '猫']],
    ['absent is unequal to anything but the empty string', ['other!=""'], ['db', 'db-2']],
    ['absent is not equal to the empty string', ['other==""'], []],
    ['a regular expression finds its match anywhere', ['name~=b'], ['db', 'db-2']],
    ['unless anchored', ['name~=^db$'], ['db']],
    ['absent is an empty string to a regular expression', ['other~=^$'], ['plain', 'app', '猫']],
    ['in slashes', ['name~=/^d.{1,2}$/'], ['db']],
    ['in bars', ['labels."example.com/team"~=|^b|'], ['app']],
    ['in quotes', ['other~="one, t"'], ['db']],
    ['a slash inside slashes', ['labels."say \\"hi\\" \\\\o/"~=/^yes|\\//'], ['db']],
    ['a class takes a doubled backslash when quoted', ['name~=/\\\\d/'], ['db-2']],
    ['and a single one when not', ['name~=\\d'], ['db-2']],
    ['one that RE2 does not know matches nothing', ['name~=|(?=d)|'], []],
    ['one that is broken matches nothing', ['name~=('], []],
    ['a comma is and', ['labels.tier==db,other==abc'], ['db-2']],
    ['several filters are or', ['name==app', 'name==db'], ['app', 'db']],
    ['unquoted label key with dots and a quoted rest', ['labels.example."com/team"==blue'], ['app']],
    ['quoted label key', ['labels."example.com/team"==blue'], ['app']],
    ['label key with a space', ['labels."key with space"==x'], ['db']],
    ['label key with quotes and backslash', ['labels."say \\"hi\\" \\\\o/"==yes'], ['db']],
    ['value with a comma', ['other=="one, two"'], ['db']],
    ['value with punctuation', ['name==db-2'], ['db-2']],
    ['value in another script', ['name==猫'], ['猫']],
    ['field in another script must be quoted', ['labels."ネコ"==にゃあ'], ['猫']],
    ['white space before names, operators and values', [' name == db, \t other'], ['db']],
    ['an unknown field is absent', ['nothing'], []],
    ['an unknown field equals nothing', ['nothing==x'], []],
    ['and differs from everything', ['nothing!=x'], everything],
    ['a label of the object prototype is absent', ['labels.constructor'], []],
    ['labels alone are no field', ['labels'], []],
    ['escapes: one letter', ['name=="d\\x62"'], ['db']],
    ['escapes: octal', ['name=="d\\142"'], ['db']],
    ['escapes: bytes of UTF-8', ['name=="\\xe7\\x8c\\xab"'], ['猫']],
    ['escapes: four digits', ['name=="\\u732b"'], ['猫']],
    ['escapes: eight digits', ['name=="\\U0000732B"'], ['猫']],
    ["the Docker Engine's subscription", ['namespace==moby,topic~=|^/tasks/|'], []],
  ])('%s: %j', (_, filters, expected) => {
    expect(matching(...filters)).toEqual(expected);
  });

  test('an adaptor sees the path as it was written', () => {
    const paths: (readonly string[])[] = [];
    compileFilters(['labels."a.b/c",labels.a.b-1_x,"x y".z'])((path) => {
      paths.push(path);
      return '';
    });
    expect(paths).toEqual([
      ['labels', 'a.b/c'],
      ['labels', 'a', 'b-1_x'],
      ['x y', 'z'],
    ]);
  });

  test('escapes of one letter are those of Go', () => {
    const expected = '\u0007\b\f\n\r\t\v\\"';
    expect(compileFilters(['x=="\\a\\b\\f\\n\\r\\t\\v\\\\\\""'])(() => expected)).toBe(true);
    expect(compileFilters(['x~=|\\||'])(() => '|')).toBe(true);
  });
});

describe('syntax errors say where, and what was expected', () => {
  test.each([
    ['name==db,', 10, 'field name'],
    [',name', 1, 'field name'],
    ['name,,other', 6, 'field name'],
    ['labels.', 8, 'field name'],
    ['labels..a', 8, 'field name'],
    ['==x', 1, 'field name'],
    ['ネコ', 1, 'field name'],
    ['labels.|a|==x', 8, 'field name'],
    ['labels.a/b==x', 9, '"==", "!=" or "~="'],
    ['name=db', 5, '"==", "!=" or "~="'],
    ['name===db', 5, '"==", "!=" or "~="'],
    ['name ', 6, '"==", "!=" or "~="'],
    ['name==', 7, 'a value'],
    ['name~=,other', 7, 'a value'],
    ['name==.x', 7, 'a value'],
    ['name== =x', 8, 'a value'],
    ['name==/x/', 7, '"..." around'],
    ['name!=|x|', 7, '"..." around'],
    ['name==a b', 8, '"," or the end'],
    ['name==a ', 8, '"," or the end'],
    ['name=="a"b', 10, '"," or the end'],
    ['name=="a', 9, 'the closing "'],
    ['name=="', 8, 'the closing "'],
    ['name~=/a', 9, 'the closing /'],
    ['name=="a\nb"', 9, 'the closing "'],
    ['name=="\\', 8, 'escape'],
    ['name=="\\g"', 8, 'escape'],
    ['name=="\\xaz"', 8, 'escape'],
    ['name=="\\u12"', 8, 'escape'],
    ['name=="\\U00110000"', 8, 'escape'],
    ['name=="\\12"', 8, 'escape'],
    ['name=="\\400"', 8, 'escape'],
    ['name=="\\\'"', 8, 'escape'],
    ['name~=/\\d/', 8, 'escape'],
    ['name==a\0', 8, 'without NUL'],
    ['name==\ufffd', 7, 'U+FFFD'],
    ['name==\ud800', 7, 'lone surrogates'],
  ])('%j breaks at character %i', (filter, character, expected) => {
    const where = new RegExp(`at character ${character}, found `);
    const wrong = expect.objectContaining({
      kind: 'invalid_argument',
      message: expect.stringMatching(where),
    });
    expect(() => compileFilters(['name', filter])).toThrow(wrong);
    expect(() => compileFilters([filter])).toThrow(
      expect.objectContaining({ message: expect.stringContaining(expected) }),
    );
  });
});

describe('labelsField', () => {
  test('joins what follows the first component', () => {
    expect(labelsField({ 'a.b/c': '1' }, ['labels', 'a.b/c'])).toBe('1');
    expect(labelsField({ 'a.b': '1' }, ['labels', 'a', 'b'])).toBe('1');
    expect(labelsField({ 'a.b': '1' }, ['annotations', 'a', 'b'])).toBe('1');
  });

  test('gives undefined where there is none', () => {
    expect(labelsField({ a: '1' }, ['labels'])).toBeUndefined();
    expect(labelsField({ a: '1' }, ['labels', 'b'])).toBeUndefined();
    expect(labelsField({}, ['labels', 'toString'])).toBeUndefined();
    expect(labelsField(undefined, ['labels', 'a'])).toBeUndefined();
  });
});
