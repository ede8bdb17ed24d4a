import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { LocalMountManager, LoopHandler } from '@stowage/mount-manager';
import type { MountBackend, MountHandler } from '@stowage/mounts';

// Activates mounts under the name `n`, and is killed at the moment that it is told.
const [root = '', image = '', moment = ''] = process.argv.slice(2);

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

const deadly: MountHandler = { mount: die, unmount: async () => undefined, isMounted: async () => false };
const local = await LocalMountManager.open(join(root, 'state'), {
  handlers: new Map<string, MountHandler>([
    ['loop', new LoopHandler()],
    ['deadly', deadly],
  ]),
});
const backend: MountBackend = Object.assign(Object.create(local), {
  isNeeded: local.isNeeded.bind(local),
  async activate(...args: Parameters<MountBackend['activate']>) {
    if (moment === 'before the manager hears of it') await die();
    const made = await local.activate(...args);
    if (moment === 'when all is mounted and not recorded') await die();
    return made;
  },
  async deactivate(...args: Parameters<MountBackend['deactivate']>) {
    await local.deactivate(...args);
    if (moment === 'when all is undone and still recorded') await die();
  },
});
const metadata = await Metadata.open(join(root, 'metadata'), { mounts: backend });
const { mounts } = metadata.scope({ namespace: 'default' });
if (mounts === undefined) throw new Error('there is a mount manager');
const wanted: Mount[] = [
  { type: 'loop', source: image, options: [] },
  { type: 'format/ext4', source: '{{ mount 0 }}', options: [] },
  { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] },
];
const bomb: Mount = { type: 'deadly', source: '', options: [] };
const at =
  moment === 'before the first mount' ? 0 : moment === 'after some mounts' ? wanted.length : undefined;
if (at !== undefined) wanted.splice(at, 0, bomb);
await mounts.activate('n', wanted, { temporary: true });
await mounts.deactivate('n');
throw new Error(`not killed ${moment}`);
