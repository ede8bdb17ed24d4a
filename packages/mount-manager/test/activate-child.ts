import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { LocalMountManager, LoopHandler } from '@stowage/mount-manager';

// Activates mounts one after the other until it is killed, and says the name of each that was acknowledged.
const [root = '', image = '', round = ''] = process.argv.slice(2);
const handlers = new Map([['loop', new LoopHandler()]]);
const backend = await LocalMountManager.open(join(root, 'state'), { handlers });
const metadata = await Metadata.open(join(root, 'metadata'), { mounts: backend });
const { mounts } = metadata.scope({ namespace: 'default' });
const wanted: Mount[] = [
  { type: 'loop', source: image, options: ['ro'] },
  { type: 'format/ext4', source: '{{ mount 0 }}', options: ['ro'] },
  { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] },
  {
    type: 'format/mkdir/bind',
    source: '{{ mount 2 }}',
    options: ['X-containerd.mkdir.path={{ mount 2 }}/x'],
  },
];
process.stdout.write('ready\n');
for (let i = 0; ; i += 1) {
  await mounts?.activate(`${round}-${i}`, wanted);
  process.stdout.write(`${round}-${i}\n`);
  // Some of the time it is killed while it undoes them.
  if (i % 2 === 0) await mounts?.deactivate(`${round}-${i}`);
}
