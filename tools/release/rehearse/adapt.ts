import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { must, mustCtr } from '@stowage/testing';
import { type NodeVersion, withNode } from './nodes.ts';
import type { Scene } from './scene.ts';

/** How an example is brought to the machine of a rehearsal, where it is not as it stands. */
export interface Adaptation {
  /** Why its types are all that is looked at. */
  readonly onlyCompiled?: string;
  /** Pieces of the text, and what stands here in their place; each must be there. */
  replace?(scene: Scene): ReadonlyArray<readonly [was: string, is: string]>;
  env?(scene: Scene, dir: string): Readonly<Record<string, string>>;
  /** What has to be there before, in the folder that stands for `/tmp/example`. */
  prepare?(scene: Scene, example: string): Promise<void>;
  /** Of a README without a program: what is done in its place, in a folder where the package is installed. */
  command?(scene: Scene, dir: string, node: NodeVersion): Promise<unknown>;
}

const bundled: Adaptation = {
  env: ({ bundle, rootfs }, dir) => ({ BUNDLE: bundle, ROOTFS: rootfs, STATE: join(dir, 'state') }),
};

/** By package. Of those that are not here the example is run as it stands, but for the daemon's address. */
export const adaptations: Readonly<Record<string, Adaptation>> = {
  '@stowage/api': { env: ({ address }) => ({ CONTAINERD_ADDRESS: address }) },
  '@stowage/client': {
    replace: ({ image }) => [
      ['docker.io/library/redis:alpine', image],
      ["'redis-server', '--port', '6380'", "'sh', '-c', 'trap \"exit 3\" TERM; while :; do sleep 0.1; done'"],
    ],
  },
  '@stowage/embedded': {
    replace: ({ image }) => [
      ['docker.io/library/alpine:latest', image],
      ['/var/lib/my-program', '/tmp/example'],
    ],
  },
  '@stowage/gc': { replace: ({ image }) => [['docker.io/library/busybox:latest', image]] },
  '@stowage/plugins': { replace: ({ snapshotter }) => [['/run/mine.sock', snapshotter]] },
  '@stowage/migrate': { onlyCompiled: 'copies from containerd' },
  '@stowage/ui': {
    onlyCompiled: 'its page needs what starts and stops containers',
    replace: () => [
      [
        'await using page',
        "declare const containers: Parameters<typeof serveUi>[0]['containers'];\nawait using page",
      ],
    ],
  },
  '@stowage/mount-manager': {
    prepare: async ({ ext4 }, example) => {
      await mkdir(example, { recursive: true });
      await copyFile(ext4, join(example, 'base.ext4'));
    },
  },
  '@stowage/mounts': { replace: ({ ext4 }) => [['/images/base.ext4', ext4]] },
  '@stowage/runtime-runc': bundled,
  '@stowage/runtime-shim': bundled,
  '@stowage/runtime': { onlyCompiled: 'wants a runtime at a socket' },
  '@stowage/tasks': { onlyCompiled: 'wants a container' },
  '@stowage/transfer': { onlyCompiled: 'pulls from a registry, and asks for a password' },
  '@stowage/operations': { onlyCompiled: 'watches without an end' },
  '@stowage/cli': {
    command: ({ address, image }, dir, node) =>
      must('npx', ['stowage', '--address', address, 'run', '--rm', image, 'echo', 'hello'], {
        cwd: dir,
        env: withNode(node),
      }),
  },
  // The one that the others are run against.
  '@stowage/daemon': { command: ({ address }) => mustCtr(address, ['version']) },
  '@stowage/create-snapshotter': {
    command: (_, dir, node) =>
      must('npm', ['exec', '--', 'create-snapshotter', `made-${node.major}`], {
        cwd: dir,
        env: withNode(node),
      }),
  },
};
