import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { parseExposition, tempDir } from '@stowage/testing';
import { Figures } from '../src/metrics.ts';
import { serveMetrics } from '../src/serve.ts';

const one = {
  name: 'one',
  collect: () => [{ name: 'one', help: 'one', type: 'gauge' as const, samples: [{ value: 1 }] }],
};

async function fetchText(url: string, init?: RequestInit): Promise<[number, string, string]> {
  const response = await fetch(url, init);
  return [response.status, response.headers.get('content-type') ?? '', await response.text()];
}

test('figures are at /metrics and where containerd has them, and nothing else is there', async () => {
  await using figures = new Figures({ histogram: true });
  figures.add(one);
  await using server = await serveMetrics({ host: '127.0.0.1', port: 0 }, figures, silentLogger);
  for (const path of ['/metrics', '/v1/metrics', '/metrics?x=y']) {
    const [status, type, text] = await fetchText(`http://${server.address}${path}`);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(parseExposition(text).value('one')).toBe(1);
    expect(parseExposition(text).value('stowage_scrape_collector_success', { collector: 'one' })).toBe(1);
  }
  expect((await fetchText(`http://${server.address}/`))[0]).toBe(404);
  expect((await fetchText(`http://${server.address}/metrics`, { method: 'POST' }))[0]).toBe(405);
  expect((await fetchText(`http://${server.address}/metrics`, { method: 'HEAD' }))[2]).toBe('');
});

test('a unix socket is for its owner alone', async () => {
  await using dir = await tempDir('metrics');
  const path = join(dir.path, 'm.sock');
  await using figures = new Figures({ histogram: true });
  figures.add(one);
  await using _server = await serveMetrics({ path }, figures, silentLogger);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const asked = get({ socketPath: path, path: '/metrics' });
  const [response] = await once(asked, 'response');
  expect(parseExposition((await Array.fromAsync(response)).join('')).value('one')).toBe(1);
});

test('a page that has a name of its own lead to this machine reads nothing', async () => {
  await using figures = new Figures({ histogram: true });
  await using server = await serveMetrics({ host: '127.0.0.1', port: 0 }, figures, silentLogger);
  const [host = '', port = ''] = server.address.split(':');
  const statusFor = async (name: string) => {
    const asked = get({ host, port, path: '/metrics', headers: { host: name } });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  for (const name of ['evil.example', `evil.example:${port}`]) expect(await statusFor(name)).toBe(403);
  for (const name of [`127.0.0.1:${port}`, 'localhost', `localhost:${port}`, `[::1]:${port}`])
    expect(await statusFor(name)).toBe(200);
});

test('an address that is taken is told', async () => {
  await using figures = new Figures({ histogram: true });
  await using first = await serveMetrics({ host: '127.0.0.1', port: 0 }, figures, silentLogger);
  const port = Number(first.address.split(':')[1]);
  await expect(serveMetrics({ host: '127.0.0.1', port }, figures, silentLogger)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(first.address),
  });
});

test('a scrape that is left is given up', async () => {
  const left = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const slow = {
    name: 'slow',
    collect: ({ signal }: { signal?: AbortSignal | undefined }) =>
      new Promise<never>((_, fail) => {
        begun.resolve();
        signal?.addEventListener('abort', () => {
          left.resolve(signal.reason);
          fail(signal.reason);
        });
      }),
  };
  await using figures = new Figures({ histogram: true });
  figures.add(slow);
  await using server = await serveMetrics({ host: '127.0.0.1', port: 0 }, figures, silentLogger);
  const asked = request(`http://${server.address}/metrics`);
  asked.on('error', () => undefined);
  asked.end();
  await begun.promise;
  asked.destroy();
  expect(await left.promise).toMatchObject({ kind: 'canceled' });
});

test('no more than a few scrapes are under way at a time', async () => {
  const go = Promise.withResolvers<[]>();
  await using figures = new Figures({ histogram: true });
  figures.add({ name: 'slow', collect: () => go.promise });
  await using server = await serveMetrics({ host: '127.0.0.1', port: 0 }, figures, silentLogger);
  const asked = Array.from({ length: 9 }, () => fetchText(`http://${server.address}/metrics`));
  const refused = await Promise.race(asked);
  expect(refused[0]).toBe(503);
  go.resolve([]);
  const codes = (await Promise.all(asked)).map(([status]) => status);
  expect(codes.filter((code) => code === 200)).toHaveLength(8);
});
