import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CheckpointOptionsSchema, OptionsSchema } from '@stowage/api/runc/v1';
import { packMessage } from '@stowage/rpc';
import { PeerRuntime } from './fixtures/peer-runtime.ts';
import { census, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let peer: PeerRuntime;
/** A restored container is one that runc makes and starts. */
const RESTORE = `
runc --root "$(value --root)" create --bundle "$(value --bundle)" --pid-file "$(value --pid-file)" $last || exit 1
exec runc --root "$(value --root)" start $last`;
const CHECKPOINT = `echo image >"$(value --image-path)/core-1.img"; exit 0`;

beforeAll(async () => {
  bench = await Workbench.open();
  peer = await PeerRuntime.make(bench, 'peer', {
    checkpoint: CHECKPOINT,
    restore: `for last; do :; done${RESTORE}`,
  });
});
afterAll(async () => {
  await using ending = bench;
  expect(ending.complaints).toEqual([]);
});

const by = (binary: PeerRuntime) => ({ options: packMessage(OptionsSchema, { binaryName: binary.path }) });
const how = (init: MessageInitShape<typeof CheckpointOptionsSchema>) =>
  packMessage(CheckpointOptionsSchema, init);
const images = (name: string) => join(bench.directory, 'images', name);
const refusal = (kind: string, message: RegExp) => ({ kind, message: expect.stringMatching(message) });

async function started(id: string, args: string[], more: Parameters<Workbench['container']>[2] = by(peer)) {
  const request = await bench.container(id, args, more);
  const { pid } = await bench.tasks.create(request);
  await bench.tasks.start({ id });
  return { pid, request };
}

async function end(id: string): Promise<void> {
  const exit = bench.tasks.wait({ id });
  await bench.tasks.kill({ id, signal: 9 });
  await exit;
  await bench.tasks.delete({ id });
}

test('all options of a checkpoint reach the runtime', async () => {
  const { pid } = await started('all', ['sleep', '1000']);
  const path = images('all');
  const workPath = join(bench.directory, 'work');
  await bench.tasks.checkpoint({ id: 'all', path });
  const [plain = ''] = await peer.asked('checkpoint');
  expect(plain).toMatch(new RegExp(`checkpoint --image-path ${path} --work-path \\S+ --leave-running all$`));
  const flags = { openTcp: true, externalUnixSockets: true, terminal: true, fileLocks: true, exit: true };
  const options = how({ ...flags, emptyNamespaces: ['network'], cgroupsMode: 'soft', workPath });
  await bench.tasks.checkpoint({ id: 'all', path: images('more'), options });
  expect((await peer.asked('checkpoint')).at(-1)).toMatch(
    new RegExp(
      `--work-path ${workPath} --tcp-established --ext-unix-sk --shell-job --file-locks --empty-ns network --manage-cgroups-mode soft all$`,
    ),
  );
  expect(await bench.tasks.state({ id: 'all' })).toMatchObject({ pid, status: 'running' });
  await end('all');
  expect(bench.topicsOf('all').filter((topic) => topic === 'checkpointed')).toHaveLength(2);
});

test("a client's FIFOs are left out of the images, and put in again by their names", async () => {
  const stdout = await bench.fifo('cp-out');
  const reader = createReadStream(stdout);
  const output = text(reader);
  await started('s', ['sh', '-c', 'echo hello; sleep 1000'], { stdout, ...by(peer) });
  await bench.tasks.checkpoint({ id: 's', path: images('s') });
  const [external = ''] = await peer.settings('checkpoint');
  expect(external).toMatch(/^external file\[[0-9a-f]+:[0-9a-f]+\]$/);
  await end('s');
  expect(await output).toBe('hello\n');
  const again = text(createReadStream(stdout));
  const request = await bench.container('s', ['echo', 'on'], {
    stdout,
    checkpoint: images('s'),
    ...by(peer),
  });
  await bench.tasks.create(request);
  const exit = bench.tasks.wait({ id: 's' });
  await bench.tasks.start({ id: 's' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await peer.settings('restore')).toEqual([external.replace('external ', 'inherit-fd fd[1]:')]);
  expect(await again).toBe('on\n');
  await bench.tasks.delete({ id: 's' });
});

test('a task to be restored has no container before its start', async () => {
  const before = await census(bench);
  await mkdir(images('r'), { recursive: true });
  await writeFile(join(images('r'), 'core-1.img'), 'x');
  const request = await bench.container('r', ['sleep', '1000'], { checkpoint: images('r'), ...by(peer) });
  expect(await bench.tasks.create(request)).toEqual({ pid: 0 });
  expect(await bench.tasks.state({ id: 'r' })).toMatchObject({ status: 'created', pid: 0 });
  await expect(bench.tasks.kill({ id: 'r', signal: 9 })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(bench.tasks.pause('r')).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(await bench.tasks.delete({ id: 'r' })).toMatchObject({ pid: 0, exitStatus: 0 });
  expect(await census(bench)).toEqual(before);
  await bench.tasks.create(request);
  const { pid } = await bench.tasks.start({ id: 'r' });
  expect(pid).toBeGreaterThan(0);
  expect(await bench.tasks.state({ id: 'r' })).toMatchObject({ status: 'running', pid });
  expect((await peer.asked('restore')).at(-1)).toMatch(
    new RegExp(
      `restore --detach --no-subreaper --image-path ${images('r')} --work-path \\S+ --bundle ${request.bundle} --pid-file \\S+ r$`,
    ),
  );
  await end('r');
  expect(bench.topicsOf('r')).toEqual(['create', 'delete', 'create', 'start', 'exit', 'delete']);
  expect(await census(bench)).toEqual(before);
});

test("a failure has CRIU's words, leaves the container running and nothing on disk", async () => {
  const failing = await PeerRuntime.make(bench, 'failing', {
    checkpoint: `echo half >"$(value --image-path)/half.img"
printf '(00.01) Warn: x\\n(00.02) Error (criu/net.c:1): no iptables\\n(00.03) Error (criu/cr-dump.c:1): Dumping FAILED.\\n' >"$(value --work-path)/dump.log"
fail 'criu failed: type NOTIFY errno 0'`,
    restore: `echo '(00.1) Error (criu/mount.c:2): no such mount' >"$(value --work-path)/restore.log"; fail 'criu failed'`,
  });
  const { pid } = await started('f', ['sleep', '1000'], by(failing));
  await expect(bench.tasks.checkpoint({ id: 'f', path: images('f') })).rejects.toMatchObject(
    refusal('unknown', /failing checkpoint f: criu failed: type NOTIFY.*CRIU: .*no iptables.*Dumping FAILED/),
  );
  expect(await readdir(bench.directory)).not.toContain(images('f'));
  expect(await readdir(join(bench.directory, 'images'))).not.toContain('f');
  expect(await bench.tasks.state({ id: 'f' })).toMatchObject({ pid, status: 'running' });
  await end('f');
  const request = await bench.container('f', ['true'], { checkpoint: images('all'), ...by(failing) });
  await bench.tasks.create(request);
  await expect(bench.tasks.start({ id: 'f' })).rejects.toMatchObject(
    refusal('unknown', /CRIU: .*no such mount/),
  );
  expect(await bench.tasks.state({ id: 'f' })).toMatchObject({ status: 'created', pid: 0 });
  await bench.tasks.delete({ id: 'f' });
});

test('a link in place of a log is not followed', async () => {
  const linking = await PeerRuntime.make(bench, 'linking', {
    checkpoint: `ln -sf ${join(bench.directory, 'secret')} "$(value --work-path)/dump.log"; fail 'criu failed'`,
  });
  await writeFile(join(bench.directory, 'secret'), 'Error: the secret\n');
  await started('l', ['sleep', '1000'], by(linking));
  const failure = bench.tasks.checkpoint({ id: 'l', path: images('l') });
  await expect(failure).rejects.toThrow(/^linking checkpoint l: criu failed$/);
  await expect(failure).rejects.not.toThrow(/secret/);
  await end('l');
});

test.each<[string, (path: string) => Promise<void>]>([
  [
    'settings of CRIU',
    (path) => writeFile(path, JSON.stringify([null, 'file[1:2]\naction-script /x', null])),
  ],
  ['no list', (path) => writeFile(path, '{}')],
  ['a link', (path) => symlink('/etc/passwd', path)],
])('streams of a hostile checkpoint that are %s are refused', async (name, make) => {
  const path = images(`hostile ${name.length}`);
  await mkdir(path, { recursive: true });
  await make(join(path, 'stowage-streams.json'));
  const request = await bench.container('h', ['true'], { checkpoint: path, ...by(peer) });
  await bench.tasks.create(request);
  await expect(bench.tasks.start({ id: 'h' })).rejects.toMatchObject(refusal('invalid_argument', /streams/));
  await bench.tasks.delete({ id: 'h' });
});

test('what is in no state to be checkpointed, or asks for what can not be, is refused', async () => {
  await bench.tasks.create(await bench.container('w', ['sleep', '1000'], by(peer)));
  const checkpoint = (path: string, options?: ReturnType<typeof how>) =>
    bench.tasks.checkpoint({ id: 'w', path, options });
  await expect(checkpoint(images('w'))).rejects.toMatchObject(
    refusal('failed_precondition', /it is created/),
  );
  await bench.tasks.start({ id: 'w' });
  await expect(checkpoint('images')).rejects.toMatchObject(refusal('invalid_argument', /absolute/));
  await expect(checkpoint(images('all'))).rejects.toMatchObject(refusal('failed_precondition', /not empty/));
  const bad = how({ cgroupsMode: 'hard' });
  await expect(checkpoint(images('w'), bad)).rejects.toMatchObject(refusal('invalid_argument', /"hard"/));
  const other = packMessage(OptionsSchema, {});
  await expect(checkpoint(images('w'), other)).rejects.toMatchObject(
    refusal('invalid_argument', /CheckpointOptions/),
  );
  await bench.tasks.pause('w');
  await checkpoint(images('paused'));
  await bench.tasks.resume('w');
  const exit = bench.tasks.wait({ id: 'w' });
  await bench.tasks.kill({ id: 'w', signal: 9 });
  await exit;
  await expect(checkpoint(images('w'))).rejects.toMatchObject(
    refusal('failed_precondition', /it is stopped/),
  );
  await bench.tasks.delete({ id: 'w' });
  await expect(checkpoint(images('w'))).rejects.toMatchObject(refusal('not_found', /w/));
  expect((await readdir(join(bench.directory, 'images'))).includes('w')).toBe(false);
});

test('a terminal is refused, unless the options allow it', async () => {
  const stdout = await bench.fifo('tty');
  const reader = createReadStream(stdout);
  reader.resume();
  await started('t', ['sleep', '1000'], { stdout, terminal: true, ...by(peer) });
  const request = { id: 't', path: images('t') };
  await expect(bench.tasks.checkpoint(request)).rejects.toMatchObject(
    refusal('failed_precondition', /it has a terminal; the option "terminal"/),
  );
  await bench.tasks.checkpoint({ ...request, options: how({ terminal: true }) });
  await end('t');
  reader.destroy();
});

/** Options as clients of containerd before 2.0 send them: with a field that was dropped. */
function withCriuPath(path: string, init: MessageInitShape<typeof OptionsSchema> = {}) {
  const bytes = Buffer.from(path);
  const field = Buffer.concat([Buffer.from([(8 << 3) | 2, bytes.length]), bytes]);
  const value = Buffer.concat([toBinary(OptionsSchema, create(OptionsSchema, init)), field]);
  return { options: { typeUrl: OptionsSchema.typeName, value } };
}

test('CRIU is the one that the options name, and works where they say', async () => {
  const criu = join(bench.directory, 'my-criu');
  await writeFile(criu, '#!/bin/sh\n', { mode: 0o755 });
  const work = join(bench.directory, 'criu-work');
  await started('o', ['sleep', '1000'], withCriuPath(criu, { binaryName: peer.path, criuWorkPath: work }));
  await bench.tasks.checkpoint({ id: 'o', path: images('o') });
  expect(await peer.criu('checkpoint')).toMatch(/\/tasks\/\w+\/o\/criu\/criu$/);
  expect((await peer.asked('checkpoint')).at(-1)).toContain(`--work-path ${work} `);
  await end('o');
  const from = packMessage(OptionsSchema, { binaryName: peer.path, criuImagePath: images('o') });
  expect(await bench.tasks.create(await bench.container('o', ['true'], { options: from }))).toEqual({
    pid: 0,
  });
  await bench.tasks.delete({ id: 'o' });
  await expect(
    bench.tasks.create(await bench.container('o', ['true'], withCriuPath('criu'))),
  ).rejects.toMatchObject(refusal('invalid_argument', /criu_path "criu": must be an absolute path/));
});

test('a supervisor that comes new restores a task that the dead one was asked for', async () => {
  const request = await bench.container('n', ['sleep', '1000'], { checkpoint: images('all'), ...by(peer) });
  await bench.tasks.create(request);
  process.kill(await bench.supervisorPid(), 'SIGKILL');
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen();
  bench.complaints.length = 0;
  expect(await bench.tasks.state({ id: 'n' })).toMatchObject({ status: 'created', pid: 0 });
  const { pid } = await bench.tasks.start({ id: 'n' });
  expect(await bench.tasks.state({ id: 'n' })).toMatchObject({ status: 'running', pid });
  await end('n');
  bench.complaints.length = 0;
  expect(await readFile(`${peer.path}.args`, 'utf8')).toContain(' n\n');
});
