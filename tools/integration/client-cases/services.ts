import { expect } from '@jest/globals';
import { type ClientCase, IMAGE } from './case.ts';

export const serviceCases: readonly ClientCase[] = [
  {
    name: 'it tells its version, its plugins and who it is',
    async run(client) {
      const { version, introspection } = client.services;
      expect((await version.version()).version).toMatch(/^v?\d+\.\d+\.\d+/);
      expect((await introspection.server()).uuid).toMatch(/^[0-9a-f-]{36}$/);
      const plugins = await introspection.plugins(['type==io.containerd.snapshotter.v1,id==overlayfs']);
      expect(plugins).toMatchObject([{ id: 'overlayfs', state: 'ok' }]);
    },
  },
  {
    name: 'it tells why a blob is kept',
    async run(client) {
      const { target } = await client.image(IMAGE);
      const [object] = await client.services.garbage.find({ text: target.digest, kind: 'content' });
      if (object === undefined) throw new Error(`${target.digest} is not found`);
      expect(JSON.stringify(await client.services.garbage.explain(object))).toContain(IMAGE);
    },
  },
  {
    name: 'sandboxes are recorded',
    needs: 'sandboxes',
    async run(client) {
      const { sandboxes } = client.services;
      const sandbox = {
        ...{ id: 'pod', labels: { a: 'b' }, sandboxer: 'shim', extensions: {} },
        ...{ runtime: { name: 'io.containerd.runc.v2' }, spec: undefined },
      };
      await sandboxes.create(sandbox);
      expect((await Array.fromAsync(sandboxes.list(['labels.a==b']))).map(({ id }) => id)).toEqual(['pod']);
      await sandboxes.delete('pod');
    },
  },
  {
    name: 'a sandbox that is not there is in no state',
    needs: 'sandboxes',
    async run(client) {
      const status = await client.services.sandboxController('shim').status('absent');
      expect(status).toMatchObject({ id: 'absent', state: '' });
    },
  },
  {
    name: 'the server itself moves images, and tells how far it is',
    needs: 'transfers',
    async run(client) {
      let length = 0;
      const events: string[] = [];
      const write = async (bytes: AsyncIterable<Uint8Array>) => {
        for await (const chunk of bytes) length += chunk.length;
      };
      await client.services.transfers.transfer(
        { kind: 'store', name: IMAGE },
        { kind: 'export', write },
        { onProgress: ({ event }) => void events.push(event) },
      );
      expect(length).toBeGreaterThan(1_000_000);
      expect(events.length).toBeGreaterThan(0);
    },
  },
  {
    name: 'streams are opened by their ids',
    needs: 'transfers',
    async run(client) {
      const stream = await client.services.streams.open('mine');
      await expect(client.services.streams.open('mine')).rejects.toMatchObject({ kind: 'already_exists' });
      await stream[Symbol.asyncDispose]();
    },
  },
  {
    name: 'activated mounts are listed',
    needs: 'mounts',
    async run(client) {
      expect(await Array.fromAsync(client.services.mounts.list())).toEqual([]);
      await expect(client.services.mounts.info('absent')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'what is going on is told',
    needs: 'stowage',
    async run(client) {
      const { operations } = client.services;
      await using operation = await operations.begin({ kind: 'test', subject: 'this' });
      const [told] = await Array.fromAsync(operations.list([`id==${operation.id}`]));
      expect(told).toMatchObject({ kind: 'test', subject: 'this', state: 'running' });
      await operation.end();
    },
  },
  {
    name: 'plugins that come and go are listed',
    needs: 'plugins',
    async run(client) {
      expect(await Array.fromAsync(client.services.proxyPlugins.list())).toEqual([]);
    },
  },
];
