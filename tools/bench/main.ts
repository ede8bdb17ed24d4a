// npm run bench: Stowage beside Debian's containerd, the same client and image, alternating runs, medians.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoArchive, must, startRegistry, tempDir } from '@stowage/testing';
import { changeSnapshot } from './changed-snapshot.ts';
import { compare } from './compare.ts';
import { median, printRows, pssOf, type Row, rssOf } from './figures.ts';
import { pushLargeImage } from './large-image.ts';
import { type Peer, startPeer, startStowage } from './peers.ts';
import { STORAGE, storage } from './storage.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    pulls: { type: 'string', default: '3' },
    containers: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    objects: { type: 'string', default: '100000' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    [
      'npm run bench -- [--only NAME] [--runs N] [--pulls N] [--containers N] [--rounds N] [--objects N]',
      '',
      `NAME    run, pull, diff, start, memory, storage, or one of storage: ${STORAGE.join(', ')}`,
      '--runs, --pulls, --containers',
      '        how often to run a container, to pull an image or make a diff, and how many containers to hold',
      '--rounds, --objects',
      '        how often to measure each of storage, and how many objects garbage collection looks at',
      '',
      'The daemons keep their files below $TMPDIR, or /tmp.',
    ].join('\n'),
  );
  process.exit(0);
}
const wanted = (name: string, group?: string) =>
  values.only === undefined || values.only === name || values.only === group;
const DEMO = 'bench.example/demo:1';

const rows: Row[] = [];
await using temp = await tempDir('bench');
if (wanted('start')) {
  const figures: Record<Peer['name'], number[]> = { stowage: [], containerd: [] };
  for (let round = 0; round < 7; round++) {
    for (const start of [startStowage, startPeer]) {
      const began = performance.now();
      await using peer = await start(join(temp.path, `start-${round}`));
      await peer.ctr('version');
      figures[peer.name].push(performance.now() - began);
    }
  }
  const { stowage, containerd } = figures;
  rows.push({
    what: 'daemon start to first answer',
    unit: 'ms',
    stowage: median(stowage),
    containerd: median(containerd),
  });
}
{
  await using stowage = await startStowage(temp.path);
  await using containerd = await startPeer(temp.path);
  const peers = [stowage, containerd] as const;
  const archive = await demoArchive(join(temp.path, 'demo'), DEMO);
  for (const peer of peers) await peer.ctr('images', 'import', archive);

  if (wanted('memory')) rows.push(...(await memory(peers, Number(values.containers))));
  if (wanted('run')) {
    rows.push(
      ...(await compare({
        what: 'ctr run --rm echo',
        peers,
        rounds: Number(values.runs),
        aim: 0.6,
        work: (peer, round) => peer.ctr('run', '--rm', DEMO, `echo${round + 1}`, '/bin/echo', 'hello'),
      })),
    );
  }
  if (wanted('diff')) {
    const files = 20_000;
    for (const peer of peers) await changeSnapshot(peer, temp.path, 'changed', files);
    rows.push(
      ...(await compare({
        what: `ctr snapshots diff, ${files} new files`,
        peers,
        rounds: Number(values.pulls),
        cpu: true,
        work: (peer) => peer.ctr('snapshots', 'diff', 'changed'),
      })),
    );
  }
  if (wanted('pull')) {
    await using registry = await startRegistry(join(temp.path, 'registry'));
    const image = await pushLargeImage(join(temp.path, 'large'), registry.host, {
      files: 20_000,
      megabytes: 600,
    });
    rows.push(
      ...(await compare({
        what: `pull + unpack, ${image.megabytes} MB, ${image.files} files`,
        peers,
        rounds: Number(values.pulls),
        aim: 0.7,
        work: (peer) => peer.ctr('images', 'pull', '--plain-http', image.name),
        after: async (peer) => {
          await peer.ctr('images', 'rm', '--sync', image.name);
          await must('sync', []);
        },
      })),
    );
  }
}
for (const part of STORAGE.filter((name) => wanted(name, 'storage'))) {
  const [rounds, objects] = [Number(values.rounds), Number(values.objects)];
  rows.push(...(await storage[part]({ dir: join(temp.path, part), rounds, objects })));
}
printRows(rows);

async function memory(peers: readonly Peer[], containers: number): Promise<Row[]> {
  const idle: Record<string, number> = {};
  const each: Record<string, number> = {};
  const resident: Record<string, number> = {};
  for (const peer of peers) {
    await peer.ctr('images', 'ls');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    idle[peer.name] = await pssOf([...peer.pids(), ...(await peer.helpers())]);
    resident[peer.name] = await rssOf(peer.pids());
    for (let i = 0; i < containers; i++) await peer.ctr('run', '-d', DEMO, `idle${i}`, '/bin/sleep', '600');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const loaded = await pssOf([...peer.pids(), ...(await peer.helpers())]);
    each[peer.name] = (loaded - (idle[peer.name] ?? 0)) / containers;
    for (let i = 0; i < containers; i++) {
      await peer.ctr('tasks', 'kill', '-s', 'SIGKILL', `idle${i}`);
      await peer.ctr('tasks', 'delete', '--force', `idle${i}`).catch(() => '');
      await peer.ctr('containers', 'rm', `idle${i}`);
    }
  }
  const row = (what: string, from: Record<string, number>): Row => ({
    what,
    unit: 'MiB',
    stowage: from.stowage ?? 0,
    containerd: from.containerd ?? 0,
  });
  return [
    row('daemon resident, idle', resident),
    row('daemon and helpers, idle (PSS)', idle),
    row(`per running container, ${containers} of them (PSS, helpers included)`, each),
  ];
}
