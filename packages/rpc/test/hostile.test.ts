import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Events } from '@stowage/api/events/v1';
import { Version } from '@stowage/api/version/v1';
import { rpcClient } from '../src/index.ts';
import { unixTransport } from '../src/transport.ts';
import { tempDir } from './fixture.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frame = (type: number, flags: number, stream: number, payload: Uint8Array) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const SETTINGS = frame(4, 0, 0, new Uint8Array());
/** Headers of a call to Version in HPACK, nothing indexed. */
const HEADERS = Buffer.concat(
  [
    [':method', 'POST'],
    [':path', `/${Version.typeName}/Version`],
    [':scheme', 'http'],
    ['content-type', 'application/grpc'],
  ].map(([name = '', value = '']) =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]),
  ),
);

function open(path: string): Socket {
  const socket = connect(path);
  socket.on('error', () => {});
  return socket.resume();
}
async function send(path: string, ...bytes: readonly Uint8Array[]) {
  const socket = open(path);
  for (const part of bytes) if (!socket.destroyed) socket.write(part);
  await Promise.race([new Promise((settle) => socket.once('close', settle)), delay(100)]);
  socket.destroy();
}

test('nothing that a client does ends the server, holds it up or makes it grow', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 's');
  const file = fileURLToPath(new URL('hostile-server.ts', import.meta.url));
  const server = spawn(process.execPath, ['--conditions=stowage-source', file, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  await once(server.stdout, 'data');
  const rssMib = async () => {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  };
  await using transport = unixTransport(path);
  const honest = rpcClient(Version, transport);
  await honest.version({});
  const before = await rssMib();
  const undecided = open(path);
  undecided.write('PR');

  // Bytes that are no HTTP, cut anywhere.
  await Promise.all([
    ...Array.from({ length: 40 }, (_, i) => send(path, randomBytes(10 + i))),
    ...Array.from({ length: 10 }, (_, i) => send(path, PREFACE, randomBytes(10 + 40 * i))),
    ...Array.from({ length: 10 }, (_, i) =>
      send(path, PREFACE, SETTINGS, frame(1, 4, 1, randomBytes(1 + 20 * i))),
    ),
    ...['P', 'PR', 'PRI', 'PRX', 'PRI * HTTP/1.1\r\n\r\n', 'GET', 'GET / HTTP/9.9\r\n\r\n'].map((it) =>
      send(path, Buffer.from(it)),
    ),
    send(path, Buffer.from(`POST / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(200_000)}`)),
    send(path, Buffer.from('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n')),
    send(path, Buffer.from('POST /x/y HTTP/1.0\r\n\r\n')),
    send(
      path,
      Buffer.from(
        `POST /${Version.typeName}/Version HTTP/1.1\r\nhost: [\r\ntransfer-encoding: chunked\r\n\r\nzz`,
      ),
    ),
  ]);
  await honest.version({});

  // Floods: pings, settings, resets of streams that never were, headers that never end, headers that are too long.
  await send(
    path,
    PREFACE,
    SETTINGS,
    ...Array.from({ length: 20_000 }, () => frame(6, 0, 0, Buffer.alloc(8))),
  );
  await send(path, PREFACE, ...Array.from({ length: 20_000 }, () => SETTINGS));
  await send(
    path,
    PREFACE,
    SETTINGS,
    ...Array.from({ length: 5_000 }, (_, i) => frame(3, 0, 2 * i + 1, Buffer.alloc(4))),
  );
  const continued = Array.from({ length: 5_000 }, () => frame(9, 0, 1, Buffer.alloc(1000, 0x82)));
  await send(path, PREFACE, SETTINGS, frame(1, 0, 1, HEADERS), ...continued);
  await send(path, PREFACE, SETTINGS, frame(1, 0, 1, HEADERS.subarray(0, 30)));
  await honest.version({});

  // Calls that are dropped with their connection, half sent or half answered.
  await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const socket = open(path);
      socket.write(
        Buffer.concat([PREFACE, SETTINGS, frame(1, 4, 1, HEADERS), frame(0, 0, 1, Buffer.alloc(3))]),
      );
      await delay(i % 10);
      socket.destroy();
    }),
  );
  await honest.version({});

  // A subscriber that does not read is not written to without end.
  const session = connectHttp2('http://x', {
    createConnection: () => connect(path),
    settings: { initialWindowSize: 0 },
  });
  session.on('error', () => {});
  const head = {
    ':method': 'POST',
    ':path': `/${Events.typeName}/Subscribe`,
    'content-type': 'application/grpc',
  };
  const slow = Array.from({ length: 20 }, () => {
    const stream = session.request(head);
    stream.on('error', () => {});
    stream.end(Buffer.alloc(5));
    return stream;
  });
  await Promise.all(slow.map((stream) => once(stream, 'response')));
  await delay(300);
  const made = Number((await honest.version({})).version);
  await delay(300);
  expect(Number((await honest.version({})).version)).toBe(made);
  expect(made).toBeLessThan(20 * 20);
  session.destroy();

  // Many connections that do nothing.
  const idle = Array.from({ length: 500 }, () => open(path));
  await Promise.all(idle.map((socket) => once(socket, 'connect')));
  const start = Date.now();
  await honest.version({});
  expect(Date.now() - start).toBeLessThan(1000);
  for (const socket of idle) socket.destroy();

  // Headers beyond the limit fail their own call only.
  const long = rpcClient(Version, transport).version({}, { headers: { 'x-long': 'x'.repeat(80_000) } });
  await expect(long).rejects.toMatchObject({ name: 'Fault' });
  await honest.version({});

  // All is quiet now, also with a client that has not said what it speaks.
  const cpuTicks = async () => {
    const fields = (await readFile(`/proc/${server.pid}/stat`, 'utf8')).split(' ');
    return Number(fields[13]) + Number(fields[14]);
  };
  await delay(200);
  const ticks = await cpuTicks();
  await delay(500);
  expect((await cpuTicks()) - ticks).toBeLessThan(15);
  undecided.destroy();
  expect((await rssMib()) - before).toBeLessThan(96);
  expect(server.exitCode).toBe(null);
  server.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}, 120_000);
