import { join } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import type { Differ } from '@stowage/diff';
import { Unpacker, walkingDiffer } from '@stowage/diff/walking';
import type { ImageStore } from '@stowage/images';
import { Metadata } from '@stowage/metadata';
import type { Snapshotter } from '@stowage/snapshots';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { tempDir } from '@stowage/testing';

export interface House extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  /** Without the metadata service. */
  readonly bareSnapshotter: Snapshotter;
  readonly differ: Differ;
  /** A directory for whatever a test needs. */
  readonly dir: string;
  names(): Promise<string[]>;
}

export const snapshotterName = 'native';

/**
 * The real thing, as far as images go: content, snapshots and metadata on disk, in the namespace `test`.
 *
 * @param overlay - Keeps snapshots on overlayfs, whose layers can be unpacked apart.
 */
export async function openHouse(overlay = false): Promise<House> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('house'));
  const at = (name: string) => join(dir.path, name);
  const content = stack.use(await LocalContentStore.open(at('content')));
  const bareSnapshotter = stack.use(
    overlay ? await OverlaySnapshotter.open(at('overlay')) : await NativeSnapshotter.open(at('native')),
  );
  const unpacker = stack.use(await Unpacker.open({ jail: at('jail') }));
  const snapshotters = new Map([[snapshotterName, bareSnapshotter]]);
  const metadata = stack.use(await Metadata.open(at('metadata'), { content, snapshotters }));
  const view = metadata.scope({ namespace: 'test' });
  if (view.content === undefined) throw new Error('there is a content store');
  const snapshotter = view.snapshotter(snapshotterName);
  const all = stack.move();
  return {
    metadata,
    content: view.content,
    images: view.images,
    snapshotter,
    bareSnapshotter,
    differ: walkingDiffer(view.content, unpacker),
    dir: dir.path,
    async names() {
      const names = [];
      for await (const { name } of snapshotter.list()) names.push(name);
      return names.sort();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
