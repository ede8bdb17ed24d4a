import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Content, InfoRequestSchema, ReadContentRequestSchema } from '@stowage/api/content/v1';
import { Fault, type FaultKind } from '@stowage/core';
import fc from 'fast-check';
import { scopeOf, serviceRoutes } from '../src/index.ts';
import { serve } from './fixture.ts';

/** Connect takes any case, but only the usual spelling is answered directly: so one server has both ways. */
const WAYS = { direct: 'application/grpc', connect: 'application/gRPC' } as const;
type Way = keyof typeof WAYS;
const MAX_BYTES = 100_000;

/** What methods saw: which way the call came, and how it ended. */
const log: string[] = [];
const wayOf = (context: object) => ('requestField' in context ? 'direct' : 'connect');

const KINDS: readonly FaultKind[] = [
  ...([
    'canceled',
    'unknown',
    'invalid_argument',
    'deadline_exceeded',
    'not_found',
    'already_exists',
  ] as const),
  ...([
    'permission_denied',
    'resource_exhausted',
    'failed_precondition',
    'conflict',
    'not_modified',
  ] as const),
  ...(['aborted', 'out_of_range', 'unimplemented', 'internal', 'unavailable', 'data_loss'] as const),
  'unauthenticated',
];

/** Does as it is told by a request's digest. */
async function act(digest: string, context: HandlerContext): Promise<void> {
  const [what = '', argument = ''] = digest.split('|');
  switch (what) {
    case 'fault':
      throw new Fault(argument as FaultKind, `blob "${argument}": späť 100 % \u{1f680} \ud800`);
    case 'long':
      throw new Fault('not_found', 'x'.repeat(100_000));
    case 'bug':
      throw new TypeError('of no concern to clients');
    case 'nothing':
      throw undefined;
    case 'details': {
      const details = [{ desc: InfoRequestSchema, value: { digest: 'detail' } }];
      const metadata = { 'x-why': 'because', 'content-type': 'no/such' };
      throw new ConnectError('rich', Code.Aborted, metadata, details);
    }
    case 'headers':
      context.responseHeader.set('x-header', 'one');
      context.responseTrailer.set('x-trailer', 'two');
      return;
    case 'wait':
      await delay(60_000, undefined, { signal: context.signal }).catch(() => {
        throw context.signal.reason;
      });
  }
}

const routes = serviceRoutes(Content, {
  async info({ digest }, context) {
    log.push(wayOf(context));
    await act(digest, context);
    const { namespace, lease = 'none' } = scopeOf(context);
    const told = `${namespace} ${lease} ${context.requestMethod} ${context.protocolName} ${context.method.name}`;
    if (digest === 'wrong') return { info: { size: 'many' as unknown as bigint } };
    if (digest === 'large') return { info: { digest: 'x'.repeat(MAX_BYTES + 1) } };
    const more = `${context.url} ${context.service.typeName} ${context.requestHeader.get('x-more')}`;
    return { info: { digest, size: 7n, labels: { told, more, signal: String(context.signal.aborted) } } };
  },
  async *read({ digest, offset, size }, context) {
    log.push(wayOf(context));
    try {
      if (offset === 0n) await act(digest, context);
      if (digest === 'large') yield { data: new Uint8Array(MAX_BYTES) };
      for (let i = 0n; i < size; i++) {
        yield { offset: i, data: new Uint8Array(digest === 'blob' ? 9000 + Number(i) : 1000).fill(7) };
        if (digest === 'slow') await delay(5);
      }
      await act(digest, context);
    } finally {
      log.push(`${wayOf(context)} left`);
    }
  },
  delete: undefined as never,
});

interface Request {
  readonly path: string;
  readonly body: readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** All that a client can see of an answer. */
async function answerOf(session: ClientHttp2Session, way: Way, { path, body, headers = {} }: Request) {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': WAYS[way],
    'containerd-namespace': ' a namespace ',
    'x-more': 'more',
    ...headers,
  });
  const seen: { headers?: IncomingHttpHeaders; trailers?: IncomingHttpHeaders; data: string; code?: number } =
    {
      data: '',
    };
  stream.on('response', ({ date, ...rest }) => {
    seen.headers = rest;
  });
  stream.on('trailers', (trailers) => {
    seen.trailers = trailers;
  });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  const closed = once(stream, 'close');
  for (const chunk of body) {
    stream.write(chunk);
    if (body.length > 1) await new Promise(setImmediate);
  }
  stream.end();
  await closed;
  return { ...seen, data: Buffer.concat(chunks).toString('base64'), code: stream.rstCode };
}

async function sessionTo(path: string) {
  const session = connectHttp2('http://x', { createConnection: () => connect(path) });
  session.on('error', () => {});
  return { session, [Symbol.dispose]: () => session.destroy() };
}

const INFO = `/${Content.typeName}/Info`;
const READ = `/${Content.typeName}/Read`;
function envelope(data: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5, flags);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}
const info = (digest: string) => envelope(toBinary(InfoRequestSchema, create(InfoRequestSchema, { digest })));
const read = (digest: string, offset: number, size: number) => {
  const request = { digest, offset: BigInt(offset), size: BigInt(size) };
  return envelope(toBinary(ReadContentRequestSchema, create(ReadContentRequestSchema, request)));
};
const bytesOf = (data: Buffer) => [...data].map((byte) => Uint8Array.of(byte));
const head = (length: number) => Buffer.from([0, 0, length >> 16, (length >> 8) & 255, length & 255]);

const REQUESTS: Readonly<Record<string, Request>> = {
  success: { path: INFO, body: [info('sha256:a')] },
  'a lease': { path: INFO, body: [info('a')], headers: { 'containerd-lease': 'l', 'grpc-timeout': '10S' } },
  'an answer that could be compressed': {
    path: INFO,
    body: [info('a')],
    headers: { 'grpc-accept-encoding': 'snappy, gzip,identity', 'grpc-encoding': 'identity' },
  },
  'byte by byte': { path: INFO, body: bytesOf(info('sha256:a')) },
  'an empty message': { path: INFO, body: [head(0)] },
  ...Object.fromEntries(
    KINDS.map((kind) => [`fault ${kind}`, { path: INFO, body: [info(`fault|${kind}`)] }]),
  ),
  ...Object.fromEntries(
    ['long', 'bug', 'nothing', 'details', 'headers', 'wrong', 'large'].map((what) => [
      what,
      { path: INFO, body: [info(what)] },
    ]),
  ),
  'no message': { path: INFO, body: [] },
  'two messages': { path: INFO, body: [Buffer.concat([info('a'), info('b')])] },
  'two messages in two parts': { path: INFO, body: [info('a'), info('b')] },
  'a message and a part of one': { path: INFO, body: [Buffer.concat([info('a'), Buffer.from([0, 0])])] },
  'a message and a head': { path: INFO, body: [Buffer.concat([info('a'), head(3)])] },
  'half a head': { path: INFO, body: [Buffer.from([0, 0])] },
  'a head alone': { path: INFO, body: [head(3)] },
  'half a message': { path: INFO, body: [Buffer.concat([head(3), Buffer.from([1])])] },
  'too long': { path: INFO, body: [Buffer.concat([head(MAX_BYTES + 1), Buffer.alloc(10)])] },
  'as long as may be': { path: INFO, body: [info('x'.repeat(MAX_BYTES - 4))] },
  'one byte longer': { path: INFO, body: [info('x'.repeat(MAX_BYTES - 3))] },
  'not a message': { path: INFO, body: [envelope(Buffer.from([10, 200]))] },
  'not a message, twice': {
    path: INFO,
    body: [Buffer.concat([envelope(Buffer.from([10, 200])), info('a')])],
  },
  'compressed without saying how': { path: INFO, body: [envelope(gzipSync('x'), 1)] },
  'compressed with gzip': {
    path: INFO,
    body: [envelope(gzipSync(info('a').subarray(5)), 1)],
    headers: { 'grpc-encoding': 'gzip' },
  },
  'compressed in another way': { path: INFO, body: [info('a')], headers: { 'grpc-encoding': 'snappy' } },
  'a flag that is none': { path: INFO, body: [envelope(info('a').subarray(5), 2)] },
  'a timeout that is none': { path: INFO, body: [info('a')], headers: { 'grpc-timeout': 'soon' } },
  'a timeout of nothing': { path: INFO, body: [info('wait')], headers: { 'grpc-timeout': '0m' } },
  'a timeout that passes': { path: INFO, body: [info('wait')], headers: { 'grpc-timeout': '20m' } },
  'not implemented': { path: `/${Content.typeName}/Delete`, body: [info('a')] },
  'a query': { path: `${INFO}?a=b`, body: [info('a')] },

  'a stream of nothing': { path: READ, body: [read('a', 0, 0)] },
  'a stream of one': { path: READ, body: [read('a', 0, 1)] },
  'a stream of many': { path: READ, body: [read('a', 0, 1000)] },
  'a stream of long data': { path: READ, body: [read('blob', 0, 50)] },
  'a slow stream': { path: READ, body: [read('slow', 0, 5)] },
  'a stream that fails': { path: READ, body: [read('fault|not_found', 0, 2)] },
  'a stream that fails at its end': { path: READ, body: [read('fault|conflict', 1, 2)] },
  'a stream that fails at its end by a bug': { path: READ, body: [read('bug', 1, 2)] },
  'a stream that fails with details': { path: READ, body: [read('details', 1, 0)] },
  'a stream with headers': { path: READ, body: [read('headers', 0, 2)] },
  'a stream with a message that is too long': { path: READ, body: [read('large', 0, 2)] },
  'a stream of no request': { path: READ, body: [] },
  'a stream of two requests': { path: READ, body: [Buffer.concat([read('a', 0, 1), read('a', 0, 1)])] },
  'a stream beyond its timeout': {
    path: READ,
    body: [read('wait', 1, 3)],
    headers: { 'grpc-timeout': '20m' },
  },
};

test.each(Object.entries(REQUESTS))('what clients see is what Connect would show: %s', async (_, request) => {
  await using s = await serve([routes], { limits: { maxMessageBytes: MAX_BYTES } });
  using client = await sessionTo(s.path);
  const direct = await answerOf(client.session, 'direct', request);
  const linesOfDirect = s.lines.splice(0);
  const viaConnect = await answerOf(client.session, 'connect', request);
  expect(direct).toEqual(viaConnect);
  expect(linesOfDirect).toEqual(s.lines);
  expect(direct.trailers?.['grpc-status'] ?? direct.headers?.['grpc-status']).toMatch(/^\d+$/);
});

test('the two ways are two', async () => {
  await using s = await serve([routes]);
  using client = await sessionTo(s.path);
  log.length = 0;
  for (const request of [REQUESTS.success, REQUESTS['a stream of one']] as Request[]) {
    await answerOf(client.session, 'direct', request);
    await answerOf(client.session, 'connect', request);
  }
  expect(log).toEqual(['direct', 'connect', 'direct', 'direct left', 'connect', 'connect left']);
});

test('any bytes, in any parts, are answered as by Connect', async () => {
  await using s = await serve([routes], { limits: { maxMessageBytes: 300 } });
  using client = await sessionTo(s.path);
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(info('a'), info('fault|not_found'), head(0), head(4), head(400)),
  );
  const path = fc.constantFrom(INFO, READ);
  await fc.assert(
    fc.asyncProperty(path, fc.array(part, { maxLength: 4 }), async (to, body) => {
      const request = { path: to, body: body.filter((one) => one.length > 0) };
      const direct = await answerOf(client.session, 'direct', request);
      expect(direct).toEqual(await answerOf(client.session, 'connect', request));
    }),
    { numRuns: 300 },
  );
}, 120_000);

test.each(Object.keys(WAYS) as Way[])('a client that goes ends the method (%s)', async (way) => {
  await using s = await serve([routes]);
  using client = await sessionTo(s.path);
  log.length = 0;
  const type = { ':method': 'POST', 'content-type': WAYS[way] };
  const stream = client.session.request({ ':path': READ, ...type });
  stream.on('error', () => {});
  stream.end(read('a', 0, 1_000_000_000));
  await once(stream, 'data');
  // Nobody reads, so the method is held at a `yield`.
  stream.pause();
  await delay(50);
  expect(log).toEqual([way]);
  stream.close(8);
  while (log.length < 2) await delay(5);
  expect(log).toEqual([way, `${way} left`]);
  expect(s.lines).toEqual([]);
});

test.each(Object.keys(WAYS) as Way[])(
  'a request that does not end holds nothing once its client goes (%s)',
  async (way) => {
    await using s = await serve([routes]);
    using client = await sessionTo(s.path);
    const type = { ':method': 'POST', 'content-type': WAYS[way] };
    for (const body of [info('a'), info('a').subarray(0, 7), Buffer.alloc(0)]) {
      const stream = client.session.request({ ':path': INFO, ...type });
      stream.on('error', () => {});
      if (body.length > 0) stream.write(body);
      await delay(20);
      stream.close(8);
      await once(stream, 'close');
    }
    const after = await answerOf(client.session, way, REQUESTS.success as Request);
    expect(after.trailers).toMatchObject({ 'grpc-status': '0' });
    const before = Date.now();
    await s.server.close({ graceMs: 5000 });
    expect(Date.now() - before).toBeLessThan(4000);
    expect(s.lines).toEqual([]);
  },
);
