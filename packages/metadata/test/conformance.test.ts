import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { type Capability, contentConformance, damageIn } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { type ContentSharing, Metadata } from '@stowage/metadata';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from './memory-snapshotter.ts';
import { inProcess, overConnect, type Reach } from './setting.ts';

const run = { describe, test, skip: test.skip };
const scope = { namespace: 'default' };

for (const [how, reach] of [
  ['in process', inProcess],
  ['over Connect', overConnect],
] as Array<[string, Reach]>) {
  contentOf('shared', how, reach);

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

contentOf('isolated', 'in process', inProcess);

function contentOf(contentSharing: ContentSharing, how: string, reach: Reach): void {
  const capabilities = new Set<Capability>(['labels', 'reopen', 'verify', 'records', 'namespaces']);
  if (reach === inProcess) capabilities.add('truncate');
  if (contentSharing === 'shared') capabilities.add('shares');
  const open = async (root: string) => {
    const content = await LocalContentStore.open(join(root, 'content'));
    const metadata = await Metadata.open(join(root, 'metadata'), { content, contentSharing });
    const reached = reach(metadata);
    const { content: store, verifier } = reached.scope(scope);
    const { content: neighbour } = reached.scope({ namespace: 'neighbour' });
    if (store === undefined || verifier === undefined || neighbour === undefined)
      throw new Error('there is a content store');
    return Object.assign(store, {
      verifier,
      neighbour,
      damage: damageIn(join(root, 'content')),
      async [Symbol.asyncDispose]() {
        await metadata[Symbol.asyncDispose]();
        await content[Symbol.asyncDispose]();
      },
    });
  };
  contentConformance(
    { name: `namespaces over the local store, ${contentSharing}, ${how}`, capabilities, open },
    run,
  );
}
