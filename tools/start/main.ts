// npm start: the main job on a fresh root. Starts a daemon, builds the demo image (or pulls the one that was named),
// runs it, streams its output, shows what each step took, and leaves nothing behind.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type Client, connect, type ImageHandle } from '@stowage/client';
import { Fault, reasonOf } from '@stowage/core';
import { withArgs } from '@stowage/oci-spec';
import { normalizeReference } from '@stowage/registry';
import { Daemon, demoArchive, tempDir } from '@stowage/testing';
import { Steps } from './steps.ts';

const DEMO = 'stowage.example/demo:latest';
const DEMO_COMMAND = ['/bin/sh', '-c', 'echo "Hello from a container, pid $$, on $(hostname)"; ls /'];

const [reference, ...command] = process.argv.slice(2);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
const steps = new Steps();

async function main(): Promise<number> {
  await using temp = await tempDir('start');
  await using daemon = await steps.time('start the daemon', () =>
    Daemon.start({ dir: temp.path, quiet: true }),
  );
  await using client = connect(daemon.address, { namespace: 'default' });
  const image = reference === undefined ? await demo(client, temp.path) : await pull(client, reference);
  const args = command.length > 0 ? command : reference === undefined ? DEMO_COMMAND : undefined;
  return await runImage(client, image, args);
}

async function demo(client: Client, dir: string): Promise<ImageHandle> {
  const archive = await steps.time('build the demo image', () => demoArchive(join(dir, 'image'), DEMO));
  const { signal } = stop;
  const [image] = await steps.time('import it', () =>
    client.importImages(createReadStream(archive), { signal }),
  );
  if (image === undefined) throw new Fault('internal', 'the archive held no image');
  await steps.time('unpack it', () => image.unpack({ signal }));
  return image;
}

async function pull(client: Client, name: string): Promise<ImageHandle> {
  const full = normalizeReference(name);
  return steps.time(`pull and unpack ${full}`, () =>
    client.pull(full, { unpack: true, signal: stop.signal }),
  );
}

async function runImage(
  client: Client,
  image: ImageHandle,
  args: readonly string[] | undefined,
): Promise<number> {
  await using container = await steps.time('make a container', () =>
    client.createContainer({ id: 'start', image, spec: args ? [withArgs(...args)] : [] }),
  );
  await using task = await steps.time('create its task', () =>
    container.createTask({ io: { stdout: process.stdout, stderr: process.stderr } }),
  );
  const finished = task.finished();
  await steps.time('start it', () => task.start());
  const onStop = () => void task.kill('SIGTERM').catch(() => undefined);
  stop.signal.addEventListener('abort', onStop, { once: true });
  const { exitStatus } = await steps.time('run to its exit', () => finished);
  return exitStatus;
}

try {
  process.exitCode = await main();
} catch (e) {
  console.error(`npm start: ${reasonOf(e)}`);
  process.exitCode = 1;
} finally {
  console.error(`\n${steps.table()}`);
}
