import type { RequestListener } from 'node:http';
import { BLOB, healthy, MANIFEST } from '../support/stub.ts';
import { DIGEST, dripping, fetchBlob, resolve, saying, TYPE } from './answers.ts';
import { BASIC, type Misbehaviour, type Scene, SECRETS } from './scene.ts';

const times =
  (most: number) =>
  ({ own: { log } }: Scene) => {
    // The first is refused for want of a password.
    if (log.length > most + 1) throw new Error(`it was asked ${log.length} times`);
  };

const recovering = (): RequestListener => {
  let count = 0;
  return (request, response) =>
    void (++count === 1 ? response.writeHead(503, { 'retry-after': '0' }).end() : healthy(request, response));
};

const head = `HTTP/1.1 200 OK\r\ncontent-type: ${TYPE['content-type']}\r\ndocker-content-digest: ${DIGEST['docker-content-digest']}\r\n`;
const good = `${head}content-length: ${MANIFEST.byteLength}\r\n\r\n`;

/** Time, and how HTTP is spoken. */
export const transport: readonly Misbehaviour[] = [
  {
    id: 'silent',
    answer: () => () => undefined,
    ask: resolve,
    kind: 'unavailable',
    says: /did not answer in time/,
  },
  {
    id: 'slow-headers',
    raw: (socket) => {
      const timer = setInterval(() => socket.write('x'), 50);
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      socket.on('close', () => clearInterval(timer));
    },
    ask: resolve,
    kind: 'unavailable',
  },
  {
    id: 'slow-manifest',
    answer: () => (request, response) =>
      request.method === 'HEAD' ? response.writeHead(405).end() : dripping(response, TYPE),
    ask: resolve,
    kind: 'unavailable',
    says: /1500 ms/,
  },
  {
    id: 'slow-blob',
    answer: () => (_, response) => dripping(response),
    ask: fetchBlob,
    kind: 'unavailable',
    says: /only \d+ bytes/,
  },
  {
    id: 'silent-in-blob',
    answer: () => (_, response) =>
      void response.writeHead(200, { 'content-length': BLOB.byteLength }).write(BLOB.subarray(0, 5000)),
    ask: fetchBlob,
    kind: 'unavailable',
    says: /stopped sending/,
  },
  {
    id: 'storm-429',
    answer: () => saying({}, '', 429),
    ask: resolve,
    kind: 'resource_exhausted',
    check: times(3),
  },
  { id: 'storm-503', answer: () => saying({}, '', 503), ask: resolve, kind: 'unavailable', check: times(3) },
  {
    id: 'storm-429-at-once',
    answer: () => saying({ 'retry-after': '0' }, '', 429),
    ask: resolve,
    kind: 'resource_exhausted',
    check: times(3),
  },
  {
    id: 'retry-after-an-hour',
    answer: () => saying({ 'retry-after': '3600' }, '', 429),
    ask: resolve,
    kind: 'resource_exhausted',
    check: times(1),
  },
  {
    id: 'retry-after-the-year-9999',
    answer: () => saying({ 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, '', 503),
    ask: resolve,
    kind: 'unavailable',
    check: times(1),
  },
  {
    id: 'retry-after-nonsense',
    answer: () => saying({ 'retry-after': 'soon, 1e99' }, '', 503),
    ask: resolve,
    kind: 'unavailable',
    check: times(3),
  },
  { id: 'recovers', answer: recovering, ask: resolve, kind: 'fine' },
  {
    id: 'reset-always',
    answer: () => (request) => void request.socket.resetAndDestroy(),
    ask: resolve,
    kind: 'unavailable',
    check: times(3),
  },
  {
    id: 'chunks-of-garbage',
    raw: (socket) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZZ\r\nxx'),
    ask: fetchBlob,
    kind: 'failed_precondition',
    says: /not HTTP/,
  },
  {
    id: 'chunk-of-endless-size',
    raw: (socket) =>
      void socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'f'.repeat(64)}\r\nx`),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'no-http',
    raw: (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
    ask: resolve,
    kind: 'failed_precondition',
    says: /not HTTP/,
  },
  {
    id: 'echoes-password-as-garbage',
    raw: (socket) => void socket.write(`HTTP/1.1 ${BASIC}\r\nnot a header ${SECRETS.password}\r\n\r\n`),
    ask: resolve,
    kind: 'failed_precondition',
  },
  {
    id: 'http-1.0',
    raw: (socket, asked) => {
      const body = asked.startsWith('HEAD') ? '' : MANIFEST;
      socket.end(Buffer.concat([Buffer.from(good.replace('1.1', '1.0')), Buffer.from(body)]));
    },
    ask: resolve,
    kind: 'fine',
  },
  {
    id: 'headers-endless',
    raw: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const line = `x-filler: ${'x'.repeat(8000)}\r\n`;
      const more = () => {
        while (!socket.destroyed && socket.write(line));
      };
      socket.on('drain', more);
      more();
    },
    ask: resolve,
    kind: 'resource_exhausted',
    says: /64 KiB/,
  },
  {
    id: 'two-lengths',
    raw: (socket) => void socket.write(`${head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`),
    ask: resolve,
    kind: 'failed_precondition',
  },
  {
    id: 'length-and-chunks',
    raw: (socket) =>
      void socket.write(
        `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      ),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'length-below-zero',
    raw: (socket) => void socket.write(`${head}content-length: -5\r\n\r\nhello`),
    ask: resolve,
    kind: 'failed_precondition',
  },
  {
    id: 'early-hints-for-ever',
    raw: (socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
    },
    ask: resolve,
    kind: 'unavailable',
  },
  {
    id: 'answers-before-it-is-asked',
    // A second answer lies in wait for whatever is asked next on this connection.
    raw: (socket, _, count) =>
      void socket.write(count === 1 ? good + good.replace(/sha256:\w+/, `sha256:${'e'.repeat(64)}`) : good),
    ask: async (scene) => {
      await resolve(scene);
      const { descriptor } = await resolve(scene);
      if (descriptor.digest !== DIGEST['docker-content-digest'])
        throw new Error('the waiting answer was taken');
    },
    kind: 'fine',
  },
  {
    id: 'closes-kept-connections',
    answer: () => (request, response) => {
      response.setHeader('keep-alive', 'timeout=3600');
      healthy(request, response);
      response.on('finish', () => request.socket.destroy());
    },
    ask: async (scene) => {
      for (let i = 0; i < 5; i++) await resolve(scene);
    },
    kind: 'fine',
  },
];
