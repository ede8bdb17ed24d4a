import { Code } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Content } from '@stowage/api/content/v1';
import { Version } from '@stowage/api/version/v1';
import { parseExposition } from '@stowage/testing';
import { CallFigures, Histogram, render } from '../src/index.ts';

const text = (families: Parameters<typeof render>[0]) => [...render(families)].join('');

test.each([
  ['a quote', 'a"b'],
  ['a backslash', 'a\\nb\\'],
  ['a line', 'a\nb{x="y"} 5\n# TYPE z gauge'],
  ['what looks like an escape', '\\"'],
  ['other writing', 'Ærø 東京 🦭'],
  ['controls', '\0\r\t\u2028'],
])('a label may be any text: %s', (_, value) => {
  const printed = text([
    { name: 'a', help: 'b\nc\\d', type: 'gauge', samples: [{ labels: { value }, value: 1n }] },
  ]);
  expect(parseExposition(printed).series).toEqual([{ name: 'a', labels: { value }, value: 1 }]);
  expect(printed.split('\n')).toHaveLength(4);
});

test('half a surrogate pair, which no scraper could read, is replaced', () => {
  const printed = text([
    { name: 'a', help: 'b', type: 'gauge', samples: [{ labels: { value: 'x\ud800' }, value: 1 }] },
  ]);
  expect(printed).toContain('value="x\ufffd"');
});

test('numbers are printed as Prometheus reads them; a family without series is left out', () => {
  const samples = [1e21, 2n ** 64n - 1n, Infinity, -Infinity, Number.NaN, 0.1].map((value, at) => ({
    labels: { at: String(at) },
    value,
  }));
  const printed = text([
    { name: 'none', help: 'x', type: 'gauge', samples: [] },
    { name: 'some', help: 'x', type: 'gauge', samples },
  ]);
  expect(printed).not.toContain('none');
  expect(printed).toContain('} 18446744073709551615\n');
  expect(parseExposition(printed).series.map(({ value }) => value)).toEqual([
    1e21,
    2 ** 64,
    Infinity,
    -Infinity,
    Number.NaN,
    0.1,
  ]);
});

test('many series come in pieces', () => {
  const samples = Array.from({ length: 1200 }, (_, at) => ({ labels: { at: String(at) }, value: at }));
  const pieces = [...render([{ name: 'a', help: 'b', type: 'gauge', samples }])];
  expect(pieces.length).toBe(3);
  expect(parseExposition(pieces.join('')).series).toHaveLength(1200);
});

test('a histogram counts what is at most so large, and all of it', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
  const { value } = parseExposition(
    text([{ name: 'h', help: 'x', type: 'histogram', samples: histogram.samples({ a: 'b' }) }]),
  );
  expect(['1', '2', '+Inf'].map((le) => value('h_bucket', { le, a: 'b' }))).toEqual([2, 3, 4]);
  expect([value('h_sum'), value('h_count')]).toEqual([12, 4]);
});

test('calls are counted by service, method and code, as grpc-middleware does', () => {
  const [version] = Version.methods;
  const write = Content.methods.find(({ name }) => name === 'Write');
  if (version === undefined || write === undefined) throw new Error('no such method');
  const figures = new CallFigures({ histogram: true });
  const requestField = () => null;
  figures.begin({ method: version, requestField }).end(undefined);
  figures.begin({ method: version, requestField }).end(undefined);
  figures.begin({ method: version, requestField }).end(Code.NotFound);
  figures.begin({ method: write, requestField });
  const { value } = parseExposition(text(figures.families()));
  const of = { grpc_service: 'containerd.services.version.v1.Version', grpc_method: 'Version' };
  expect(value('grpc_server_started_total', { ...of, grpc_type: 'unary' })).toBe(3);
  expect(value('grpc_server_handled_total', { ...of, grpc_code: 'OK' })).toBe(2);
  expect(value('grpc_server_handled_total', { ...of, grpc_code: 'NotFound' })).toBe(1);
  expect(value('grpc_server_handling_seconds_count', of)).toBe(3);
  expect(value('grpc_server_started_total', { grpc_method: 'Write', grpc_type: 'bidi_stream' })).toBe(1);
  expect(value('grpc_server_handled_total', { grpc_method: 'Write' })).toBeUndefined();
  expect(text(new CallFigures({ histogram: false }).families())).toBe('');
});
