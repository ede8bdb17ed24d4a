import { expect } from '@jest/globals';
import type { Client } from '@stowage/client';
import { type ClientCase, IMAGE } from './case.ts';

/** What is told of a namespace while something is done, until a topic comes. */
async function told(client: Client, namespace: string, last: string, act: () => Promise<void>) {
  const stop = new AbortController();
  const topics: string[] = [];
  const probe = `/probe/${namespace}`;
  const ready = Promise.withResolvers<void>();
  const hearing = (async () => {
    for await (const notice of client.events({
      filters: [`namespace==${namespace}`],
      signal: stop.signal,
    })) {
      if (notice.type !== 'event') continue;
      const { topic } = notice.envelope;
      if (topic === probe) ready.resolve();
      else topics.push(topic);
      if (topic === last) return;
    }
  })();
  hearing.catch(ready.reject);
  // containerd does not tell when a subscription has begun.
  const event = { typeUrl: 'containerd.events.NamespaceDelete', value: new Uint8Array() };
  const probing = setInterval(() => {
    client.services.events.publish(namespace, probe, event).catch(ready.reject);
  }, 50);
  try {
    await ready.promise;
  } finally {
    clearInterval(probing);
  }
  const late = setTimeout(() => stop.abort(new Error(`only ${topics} were told`)), 20_000);
  try {
    await act();
    await hearing;
  } finally {
    clearTimeout(late);
  }
  return topics;
}

export const eventCases: readonly ClientCase[] = [
  {
    name: 'the life of a container is told in its order',
    async run(client, { namespace }) {
      const topics = await told(client, namespace, '/containers/delete', async () => {
        await using run = await client.run({ image: IMAGE, args: ['true'] });
        await run.exit;
      });
      const ofIt = topics.filter((topic) => /^\/(containers|tasks)\//.test(topic));
      expect(ofIt).toEqual([
        '/containers/create',
        '/tasks/create',
        '/tasks/start',
        '/tasks/exit',
        '/tasks/delete',
        '/containers/delete',
      ]);
    },
  },
  {
    name: 'images and snapshots are told of',
    async run(client, { namespace }) {
      const topics = await told(client, namespace, '/images/delete', async () => {
        {
          await using _snapshot = await client.prepareSnapshot();
        }
        await (await client.tag(IMAGE, 'example.org/told:1')).remove();
      });
      expect(topics).toEqual(
        expect.arrayContaining(['/snapshot/prepare', '/snapshot/remove', '/images/create', '/images/delete']),
      );
    },
  },
  {
    name: 'those of the past are told from a position on',
    needs: 'stowage',
    async run(client, { namespace }) {
      const filters = [`namespace==${namespace}`, 'topic~=|^/images/|'];
      const begin = new AbortController();
      let position: Awaited<ReturnType<typeof Array.fromAsync>>[number] | undefined;
      for await (const notice of client.services.eventHistory.follow({ filters, signal: begin.signal })) {
        position = notice.position;
        if (position !== undefined) break;
      }
      const after = position as NonNullable<Parameters<typeof client.events>[0]>['after'];
      await (await client.tag(IMAGE, 'example.org/past:1')).remove();
      for await (const notice of client.events({ filters, after })) {
        if (notice.type === 'event' && notice.envelope.topic === '/images/delete') return;
      }
    },
  },
];
