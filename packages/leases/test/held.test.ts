import { expect, test } from '@jest/globals';
import { digestOf, Fault, LABEL, type Labels } from '@stowage/core';
import { holdImages, type LeaseResource, openLease } from '@stowage/leases';

/** Leases in a map, and what they hold. */
class Leases {
  readonly open = new Map<string, { labels: Labels; resources: LeaseResource[] }>();
  /** Run while a lease is being made. */
  meanwhile = () => {};

  create = async ({ id = 'made', labels = {} }: { id?: string | undefined; labels?: Labels | undefined }) => {
    this.open.set(id, { labels, resources: [] });
    this.meanwhile();
    return { id, labels, createdAt: new Date() };
  };
  delete = async (id: string) => {
    if (!this.open.delete(id)) throw new Fault('not_found', `lease "${id}": not found`);
  };
  addResource = async (id: string, resource: LeaseResource) => {
    if (resource.id === refused.digest) throw new Fault('unavailable', 'no');
    this.open.get(id)?.resources.push(resource);
  };
}

const [wanted, refused] = [{ digest: digestOf('wanted') }, { digest: digestOf('refused') }];

test('a lease expires in a day, or when it is told, and ends when it is disposed', async () => {
  const leases = new Leases();
  for (const lifetimeMs of [undefined, 60_000]) {
    const before = Date.now();
    await using lease = await openLease(leases, { lifetimeMs, labels: { l: '1' } });
    const labels: Labels = leases.open.get(lease.id)?.labels ?? {};
    const expires = labels[LABEL.gcExpire] ?? '';
    expect(expires).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const lifeMs = Date.parse(expires) - before;
    expect(Math.abs(lifeMs - (lifetimeMs ?? 86_400_000))).toBeLessThan(30_000);
    expect(labels).toMatchObject({ l: '1' });
  }
  expect(leases.open.size).toBe(0);
});

test('one that somebody else removed is disposed without a word', async () => {
  const leases = new Leases();
  await using lease = await openLease(leases);
  await leases.delete(lease.id);
});

test('an abort while a lease is made leaves none', async () => {
  const leases = new Leases();
  const stop = new AbortController();
  leases.meanwhile = () => stop.abort(new Error('enough'));
  await expect(openLease(leases, { signal: stop.signal })).rejects.toThrow('enough');
  expect(leases.open.size).toBe(0);
});

test('images are held until it is disposed, all or none', async () => {
  const leases = new Leases();
  {
    await using held = await holdImages(leases, [{ target: wanted }]);
    expect(leases.open.get(held.id)?.resources).toEqual([{ type: 'content', id: wanted.digest }]);
  }
  expect(leases.open.size).toBe(0);
  await expect(holdImages(leases, [{ target: wanted }, { target: refused }])).rejects.toMatchObject({
    kind: 'unavailable',
  });
  expect(leases.open.size).toBe(0);
});
