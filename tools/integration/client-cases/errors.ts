import { expect } from '@jest/globals';
import { Fault, type FaultKind, jsonBytes, TYPE_URL } from '@stowage/core';
import { type ClientCase, IMAGE } from './case.ts';

async function expectKinds(
  calls: Readonly<Record<string, [FaultKind, () => Promise<unknown>]>>,
): Promise<void> {
  const seen: Record<string, string> = {};
  for (const [name, [, call]] of Object.entries(calls)) {
    seen[name] = await call().then(
      () => 'done',
      (e: unknown) => (Fault.is(e) ? e.kind : String(e)),
    );
  }
  const expected = Object.entries(calls).map(([name, [kind]]) => [name, kind]);
  expect(seen).toEqual(Object.fromEntries(expected));
}

export const errorCases: readonly ClientCase[] = [
  {
    name: 'what is not there is not_found',
    async run(client) {
      const { containers, content, images, leases, tasks, snapshotter } = client.services;
      const digest = `sha256:${'0'.repeat(64)}` as Awaited<
        ReturnType<typeof client.image>
      >['target']['digest'];
      await expectKinds({
        container: ['not_found', () => client.container('absent')],
        image: ['not_found', () => client.image('absent')],
        'image delete': ['not_found', () => images.delete('absent')],
        blob: ['not_found', () => content.info(digest)],
        read: ['not_found', () => Array.fromAsync(content.read(digest))],
        ingest: ['not_found', () => content.status('absent')],
        lease: ['not_found', () => leases.delete('absent')],
        task: ['not_found', () => tasks.get({ containerId: 'absent' })],
        wait: ['not_found', () => tasks.wait({ containerId: 'absent' })],
        'container of a task': ['not_found', () => tasks.create(emptyTask('absent'))],
        snapshot: ['not_found', () => snapshotter('overlayfs').stat('absent')],
        'container delete': ['not_found', () => containers.delete('absent')],
        tag: ['not_found', () => client.tag('absent', 'other')],
      });
    },
  },
  {
    name: 'what makes no sense is invalid_argument',
    async run(client) {
      const { containers, content, images } = client.services;
      const { target } = await client.image(IMAGE);
      const record = {
        labels: {},
        image: '',
        spec: jsonBytes(TYPE_URL.spec, {}),
        snapshotter: '',
        snapshotKey: '',
      };
      const container = { ...record, extensions: {}, sandboxId: '', runtime: { name: 'a.b' } };
      await expectKinds({
        'container id': ['invalid_argument', () => containers.create({ ...container, id: 'not an id' })],
        'no runtime': [
          'invalid_argument',
          () => containers.create({ ...container, id: 'x', runtime: { name: '' } }),
        ],
        'image without a name': ['invalid_argument', () => images.create({ name: '', target, labels: {} })],
        'label too long': [
          'invalid_argument',
          () => containers.create({ ...container, id: 'x', labels: { a: 'b'.repeat(5000) } }),
        ],
        filter: ['invalid_argument', () => Array.fromAsync(containers.list(['==']))],
        'image filter': ['invalid_argument', () => Array.fromAsync(images.list(['a=b']))],
        'mask path': ['invalid_argument', () => images.update({ name: IMAGE, labels: {} }, ['nonsense'])],
        'content filter': ['invalid_argument', () => Array.fromAsync(content.list(['==']))],
      });
    },
  },
  {
    name: 'what is there already is already_exists',
    async run(client) {
      const { images, leases } = client.services;
      const { target } = await client.image(IMAGE);
      await using lease = await client.lease();
      await expectKinds({
        image: ['already_exists', () => images.create({ name: IMAGE, target, labels: {} })],
        lease: ['already_exists', () => leases.create({ id: lease.id })],
        blob: [
          'already_exists',
          () => client.services.content.writer({ ref: 'there', expected: target.digest, total: target.size }),
        ],
      });
    },
  },
  {
    name: 'what can’t be now is failed_precondition',
    async run(client, server) {
      await using nowhere = server.client('');
      const snapshots = client.services.snapshotter('overlayfs');
      const parent = await (await client.image(IMAGE)).rootfs();
      await using view = await client.viewSnapshot({ parent });
      await expectKinds({
        'no namespace': ['failed_precondition', () => Array.fromAsync(nowhere.services.images.list())],
        'commit of a view': ['failed_precondition', () => snapshots.commit('committed', view.key)],
        'remove of a parent': ['failed_precondition', () => snapshots.remove(parent)],
      });
    },
  },
];

const emptyTask = (containerId: string) => ({
  ...{ containerId, rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false },
});
