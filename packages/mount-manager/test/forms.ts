import { join } from 'node:path';
import { createRouterTransport } from '@connectrpc/connect';
import type { Scope } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { LocalMountManager, LoopHandler } from '@stowage/mount-manager';
import type { MountManager } from '@stowage/mounts';
import { remoteMounts } from '@stowage/mounts/remote';
import { mountRoutes } from '@stowage/mounts/service';

/** A mount manager that a test has open. */
export interface Opened extends AsyncDisposable {
  readonly mounts: MountManager;
}

/** One of the forms in which there are mount managers. */
export interface Form {
  readonly name: string;
  /** Opens what is in a directory; again after it was disposed. */
  open(root: string): Promise<Opened>;
}

export const scope: Scope = { namespace: 'default' };

/** The local form, in `state`; `allowed` may be written to by `mkdir/`. */
export async function openLocal(
  root: string,
): Promise<{ readonly mounts: LocalMountManager } & AsyncDisposable> {
  const loop = new LoopHandler();
  const handlers = new Map([['loop', loop]]);
  const mounts = await LocalMountManager.open(join(root, 'state'), {
    handlers,
    roots: [join(root, 'allowed')],
  });
  return {
    mounts,
    async [Symbol.asyncDispose]() {
      await mounts[Symbol.asyncDispose]();
      await loop[Symbol.asyncDispose]();
    },
  };
}

/** Metadata over the local form. */
export async function openMetadata(root: string): Promise<{ readonly metadata: Metadata } & AsyncDisposable> {
  const local = await openLocal(root);
  const metadata = await Metadata.open(join(root, 'metadata'), { mounts: local.mounts });
  return {
    metadata,
    async [Symbol.asyncDispose]() {
      await metadata[Symbol.asyncDispose]();
      await local[Symbol.asyncDispose]();
    },
  };
}

export function mountsOf(metadata: Metadata, at: Scope = scope): MountManager {
  const { mounts } = metadata.scope(at);
  if (mounts === undefined) throw new Error('there is a mount manager');
  return mounts;
}

export const forms: readonly Form[] = [
  { name: 'the local form', open: openLocal },
  {
    name: 'a namespace over it',
    async open(root) {
      const opened = await openMetadata(root);
      return {
        mounts: mountsOf(opened.metadata),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: 'that over Connect',
    async open(root) {
      const opened = await openMetadata(root);
      const transport = createRouterTransport(mountRoutes((at) => mountsOf(opened.metadata, at)));
      return {
        mounts: remoteMounts(transport, scope),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    },
  },
];
