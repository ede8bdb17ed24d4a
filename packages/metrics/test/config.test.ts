import { expect, test } from '@jest/globals';
import { parseMetricsConfig } from '../src/config.ts';

const addressOf = (address: string, more = {}) => parseMetricsConfig({ address, ...more }).address;

test('nothing is served unless an address is named', () => {
  expect(parseMetricsConfig({})).toEqual({ address: undefined, grpcHistogram: true });
});

test.each([
  ['127.0.0.1:1338', { host: '127.0.0.1', port: 1338 }],
  ['127.9.9.9:0', { host: '127.9.9.9', port: 0 }],
  ['localhost:1338', { host: 'localhost', port: 1338 }],
  ['[::1]:1338', { host: '::1', port: 1338 }],
  ['/run/m.sock', { path: '/run/m.sock' }],
  ['unix:///run/m.sock', { path: '/run/m.sock' }],
])('%s is of this machine alone', (text, address) => {
  expect(addressOf(text)).toEqual(address);
});

test.each(['0.0.0.0:1338', ':1338', '[::]:1338', '10.0.0.1:1338', '[::ffff:127.0.0.1]:1338', '128.0.0.1:1'])(
  '%s is refused, unless it is meant',
  (text) => {
    expect(() => addressOf(text)).toThrow(
      expect.objectContaining({
        kind: 'invalid_argument',
        message: expect.stringMatching(/"address".*allow_remote = true/),
      }),
    );
    expect(addressOf(text, { allow_remote: true })).toBeDefined();
  },
);

test.each(['1338', 'localhost', 'example.com:1338', '127.0.0.1:99999', '127.0.0.1:', 'm.sock', '[x]:1'])(
  '%s is no address',
  (text) => {
    expect(() => addressOf(text, { allow_remote: true })).toThrow(/"address".*expected host:port/);
  },
);

test.each([
  [{ adress: '' }, /"adress": unknown key; there are "address"/],
  [{ address: 1 }, /"address": expected a string/],
  [{ grpc_histogram: 'yes' }, /"grpc_histogram": expected true or false/],
])('%j is refused by name', (table, message) => {
  expect(() => parseMetricsConfig(table)).toThrow(message);
});
