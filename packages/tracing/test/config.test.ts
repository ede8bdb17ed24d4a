import { expect, test } from '@jest/globals';
import { parseTracingConfig } from '../src/config.ts';

test('nothing is traced unless an endpoint is named', () => {
  expect(parseTracingConfig({})).toEqual({ endpoint: undefined, ratio: 1, serviceName: 'stowaged' });
});

test.each([
  [{ endpoint: 'http://127.0.0.1:4318' }, 'http://127.0.0.1:4318/'],
  [{ endpoint: 'collector:4318', insecure: true }, 'http://collector:4318/'],
  [{ endpoint: 'collector:4318', protocol: 'http/protobuf' }, 'https://collector:4318/'],
  [{ endpoint: 'https://c/v1/other' }, 'https://c/v1/other'],
])('%j is an endpoint', (table, url) => {
  expect(parseTracingConfig(table).endpoint?.href).toBe(url);
});

test.each([
  [{ endpoint: 'ftp://x' }, /"endpoint": "ftp:\/\/x"/],
  [{ endpoint: 'http://' }, /"endpoint"/],
  [{ endpoint: 5 }, /"endpoint": expected a string/],
  [{ protocol: 'grpc' }, /"protocol": "grpc": expected "http\/json"/],
  [{ sampling_ratio: 2 }, /"sampling_ratio"/],
  [{ sampling_ratio: Number.NaN }, /"sampling_ratio"/],
  [{ endpont: 'x' }, /"endpont": unknown key/],
])('%j is refused by name', (table, message) => {
  expect(() => parseTracingConfig(table)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringMatching(message) }),
  );
});
