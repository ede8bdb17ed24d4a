import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { contentConformance } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { Metadata } from '@stowage/metadata';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from './memory-snapshotter.ts';
import { inProcess, overConnect, type Reach } from './setting.ts';

const run = { describe, test, skip: test.skip };
const scope = { namespace: 'default' };

for (const [how, reach] of [
  ['in process', inProcess],
  ['over Connect', overConnect],
] as Array<[string, Reach]>) {
  contentConformance(
    {
      name: `a namespace over the local store, ${how}`,
      capabilities: new Set(['labels', 'reopen', ...(reach === inProcess ? (['truncate'] as const) : [])]),
      async open(root) {
        const content = await LocalContentStore.open(join(root, 'content'));
        const metadata = await Metadata.open(join(root, 'metadata'), { content });
        const view = reach(metadata).scope(scope).content;
        if (view === undefined) throw new Error('there is a content store');
        return Object.assign(view, {
          async [Symbol.asyncDispose]() {
            await metadata[Symbol.asyncDispose]();
            await content[Symbol.asyncDispose]();
          },
        });
      },
    },
    run,
  );

  const backends = new Map<string, MemorySnapshotter>();
  snapshotterConformance(
    {
      name: `a namespace over a snapshotter in memory, ${how}`,
      capabilities: new Set(['reopen', 'own-usage', 'rebase']),
      async open(root) {
        const backend = backends.get(root) ?? new MemorySnapshotter();
        backends.set(root, backend);
        const metadata = await Metadata.open(root, { snapshotters: new Map([['memory', backend]]) });
        return Object.assign(reach(metadata).scope(scope).snapshotter('memory'), {
          [Symbol.asyncDispose]: () => metadata[Symbol.asyncDispose](),
        });
      },
    },
    run,
  );
}
