import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { LocalContentStore } from '@stowage/content-store';
import type { Descriptor } from '@stowage/core';
import { packMessage } from '@stowage/rpc';
import { PeerRuntime } from '../../runtime-runc/test/fixtures/peer-runtime.ts';
import { Workbench } from '../../runtime-runc/test/fixtures/workbench.ts';
import type { NewTask, Tasks } from '../src/index.ts';
import { TaskRouter } from '../src/router.ts';
import { Containers, client } from './fixtures/house.ts';

const closing = new AsyncDisposableStack();
let bench: Workbench;
let store: LocalContentStore;
let router: TaskRouter;
let tasks: Tasks;
let request: NewTask;

beforeAll(async () => {
  bench = closing.use(await Workbench.open());
  store = closing.use(await LocalContentStore.open(join(bench.directory, 'content')));
  const containers = new Containers();
  const peer = await PeerRuntime.make(bench, 'peer', {
    checkpoint: 'echo image >"$(value --image-path)/core-1.img"; exit 0',
    restore: `for last; do :; done
[ "$(cat "$(value --image-path)/core-1.img")" = image ] || fail 'no image'
runc --root "$(value --root)" create --bundle "$(value --bundle)" --pid-file "$(value --pid-file)" $last || exit 1
exec runc --root "$(value --root)" start $last`,
  });
  router = closing.use(
    new TaskRouter({
      state: join(bench.directory, 'routed'),
      containers: containers.scope,
      content: () => store,
      runtimes: [bench.runtime],
    }),
  );
  const socket = join(bench.directory, 's');
  tasks = await client(router.scope, 'over a socket', bench.namespace, socket, closing);
  const stdout = await bench.fifo('out');
  const { bundle, rootfs } = await bench.container('c', ['sh', '-c', 'echo hello; sleep 1000']);
  containers.add(bench.namespace, 'c', JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')));
  const options = packMessage(OptionsSchema, { binaryName: peer.path });
  request = { containerId: 'c', rootfs, stdin: '', stdout, stderr: '', terminal: false, options };
});
afterAll(() => closing.disposeAsync());

async function ended(): Promise<void> {
  const exit = tasks.wait({ containerId: 'c' });
  await tasks.kill({ containerId: 'c', signal: 9 });
  await exit;
  await tasks.delete('c');
}

test('a task is checkpointed to blobs and created from them, over a socket', async () => {
  const output = text(createReadStream(request.stdout));
  await tasks.create(request);
  await tasks.start({ containerId: 'c' });
  const [images] = (await tasks.checkpoint({ containerId: 'c' })) as [Descriptor];
  await ended();
  expect(await output).toBe('hello\n');
  const again = text(createReadStream(request.stdout));
  await tasks.create({ ...request, checkpoint: images });
  expect(await tasks.get({ containerId: 'c' })).toMatchObject({ status: 'created', pid: 0 });
  const { pid } = await tasks.start({ containerId: 'c' });
  expect(await tasks.get({ containerId: 'c' })).toMatchObject({ status: 'running', pid });
  await ended();
  expect(await again).toBe('hello\n');
  expect(await readdir(join(bench.directory, 'routed', bench.namespace))).toEqual([]);
});

test('a create from what is no checkpoint leaves nothing', async () => {
  const [images] = await blobs();
  const wrong = { ...images, mediaType: 'text/plain' } as Descriptor;
  await expect(tasks.create({ ...request, checkpoint: wrong })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect(await readdir(join(bench.directory, 'routed', bench.namespace))).toEqual([]);
  await expect(tasks.checkpoint({ containerId: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
});

async function blobs(): Promise<Descriptor[]> {
  const found = await Array.fromAsync(store.list());
  return found.map(({ digest, sizeBytes }) => ({ mediaType: '', digest, size: sizeBytes }));
}
