import { expect, test } from '@jest/globals';
import { formatOf, type Listing, lineOf } from '../src/listing.ts';

interface Thing {
  readonly id: string;
  readonly sizeBytes: bigint;
  readonly labels: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly madeAt: Date;
  readonly note: string | undefined;
}

const LISTING: Listing<Thing> = {
  fields: [
    { name: 'ID', heading: 'THING', text: ({ id }) => id },
    { name: 'Size', heading: 'SIZE', text: ({ sizeBytes }) => `${sizeBytes} B` },
  ],
  json: (thing) => thing,
  name: ({ id }) => id,
};

const THING: Thing = {
  id: 'Web',
  sizeBytes: 7n,
  labels: { 'a.b/c': 'd' },
  args: ['sh', '-c'],
  madeAt: new Date(0),
  note: undefined,
};

const filled = (format: string) => lineOf(THING, LISTING, formatOf({ format }));

test.each([
  ['{{.ID}}\\t{{.Size}}', 'Web\t7 B\n'],
  ['{{ .ID }} is {{.sizeBytes}}', 'Web is 7\n'],
  ['{{json .Labels}}', '{"a.b/c":"d"}\n'],
  ['{{index .Labels "a.b/c"}}{{index .Labels "x"}}', 'd\n'],
  ['{{join .Args ", "}}', 'sh, -c\n'],
  ['{{.ID | upper}}{{lower .ID}}{{truncate .ID 2}}', 'WEBwebWe\n'],
  ['{{.Args | json | upper}}', '["SH","-C"]\n'],
  ['{{.Labels.x}}{{.MadeAt}}{{.Note}}', '1970-01-01T00:00:00.000Z\n'],
  ['{{"a\\tb"}}{{`c"d`}}', 'a\tbc"d\n'],
  [
    'json',
    '{"id":"Web","sizeBytes":7,"labels":{"a.b/c":"d"},"args":["sh","-c"],"madeAt":"1970-01-01T00:00:00.000Z"}\n',
  ],
  [
    '{{json .}}',
    '{"id":"Web","sizeBytes":7,"labels":{"a.b/c":"d"},"args":["sh","-c"],"madeAt":"1970-01-01T00:00:00.000Z"}\n',
  ],
])('%s', (format, line) => {
  expect(filled(format)).toBe(line);
});

test.each([
  ['{{.Nam}}', 'no field .Nam; there are .ID, .Size, .SizeBytes, .Labels, .Args, .MadeAt, .Note'],
  ['{{.Nam.More}}', 'no field .Nam'],
  ['{{.ID', 'must come in pairs'],
  ['{{.ID}} .ID}}', 'must come in pairs'],
  ['{{}}', 'lacks something'],
  ['{{.ID | }}', 'lacks something'],
  ['{{range .Args}}x{{end}}', '"range" is no function; there are json, join'],
  ['{{constructor .ID}}', '"constructor" is no function'],
  ['{{.ID .Size}}', 'is no function'],
  ['{{upper ID}}', '"ID" is no field'],
  ['yaml', 'expected table, json, or a template'],
])('%s is refused, and told why', (format, reason) => {
  expect(() => filled(format)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(reason) }),
  );
});

test('names only, and the same as --format json', () => {
  expect(lineOf(THING, LISTING, formatOf({ quiet: true, format: 'json' }))).toBe('Web\n');
  expect(formatOf({ json: true })).toEqual({ how: 'json' });
  expect(formatOf({})).toEqual({ how: 'table' });
});
