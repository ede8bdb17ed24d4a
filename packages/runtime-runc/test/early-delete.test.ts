import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { census, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterAll(async () => {
  await using ending = bench;
  expect(await census(ending)).toEqual(before);
  expect(ending.complaints).toEqual([]);
});

// containerd deletes what it gave up creating, and removes the bundle then: whatever comes of the creation must be gone.
test('a delete waits for the creation that is under way, and removes what came of it', async () => {
  const creating = bench.tasks.create(await bench.container('early', ['sleep', '1000']));
  await delay(2);
  const deleted = bench.tasks.delete({ id: 'early' });
  const { pid } = await creating;
  expect(await deleted).toMatchObject({ pid });
  await expect(bench.tasks.state({ id: 'early' })).rejects.toMatchObject({ kind: 'not_found' });
});
