// npm run bench: Stowage beside Debian's containerd, the same client and image, alternating runs, medians.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tempDir } from '@stowage/testing';
import { printRows, type Row } from './figures.ts';
import { IMAGES, images } from './images.ts';
import { start } from './start.ts';
import { STORAGE, storage } from './storage.ts';
import { TASKS, tasks } from './tasks.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    pulls: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    containers: { type: 'string', default: '50' },
    objects: { type: 'string', default: '100000' },
    files: { type: 'string', default: '20000' },
    megabytes: { type: 'string', default: '600' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    [
      'npm run bench -- [--only NAME] [--runs N] [--pulls N] [--rounds N] [--containers N] [--objects N]',
      '                 [--files N] [--megabytes N]',
      '',
      'NAME    start, images, storage, tasks, or one of',
      `        images:  ${IMAGES.join(', ')}`,
      `        storage: ${STORAGE.join(', ')}`,
      `        tasks:   ${TASKS.join(', ')}`,
      '--runs, --pulls',
      '        how often to run a container, and to pull or push an image or make a diff',
      '--rounds, --containers, --objects',
      '        how often to measure each of storage and tasks, how many containers to hold for their memory, and how',
      '        many objects garbage collection looks at',
      '--files, --megabytes',
      '        how large the image is that is pulled, pushed, exported and imported',
      '',
      'The daemons keep their files below $TMPDIR, or /tmp.',
    ].join('\n'),
  );
  process.exit(0);
}
const [runs, pulls, rounds] = [Number(values.runs), Number(values.pulls), Number(values.rounds)];
const [containers, objects] = [Number(values.containers), Number(values.objects)];
const size = { files: Number(values.files), megabytes: Number(values.megabytes) };
const wanted = (name: string, group?: string) =>
  values.only === undefined || values.only === name || values.only === group;

const rows: Row[] = [];
await using temp = await tempDir('bench');
const directory = async (name: string) => {
  const dir = join(temp.path, name);
  await mkdir(dir);
  return dir;
};
if (wanted('start')) rows.push(...(await start(await directory('start'))));
for (const part of IMAGES.filter((name) => wanted(name, 'images')))
  rows.push(...(await images[part]({ dir: await directory(part), rounds: pulls, size })));
for (const part of STORAGE.filter((name) => wanted(name, 'storage')))
  rows.push(...(await storage[part]({ dir: await directory(part), rounds, objects })));
for (const part of TASKS.filter((name) => wanted(name, 'tasks'))) {
  const options = { dir: await directory(part), rounds: part === 'run' ? runs : rounds, containers };
  rows.push(...(await tasks[part](options)));
}
printRows(rows);
