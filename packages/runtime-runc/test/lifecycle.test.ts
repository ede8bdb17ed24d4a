import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { Workbench } from './fixtures/workbench.ts';

test('a container echoes, exits with its code, and is removed', async () => {
  await using bench = await Workbench.open();
  const { tasks } = bench;
  const stdout = await bench.fifo('out');
  const output = text(createReadStream(stdout));
  const { pid } = await tasks.create(
    await bench.container('c', ['sh', '-c', 'echo hello; exit 42'], { stdout }),
  );
  expect(await tasks.state({ id: 'c' })).toMatchObject({ status: 'created', pid });
  const exit = tasks.wait({ id: 'c' });
  expect(await tasks.start({ id: 'c' })).toEqual({ pid });
  expect(await exit).toMatchObject({ exitStatus: 42 });
  expect(await output).toBe('hello\n');
  expect(await tasks.delete({ id: 'c' })).toMatchObject({ pid, exitStatus: 42 });
  await expect(tasks.state({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topics).toEqual(['create', 'start', 'exit', 'delete']);
  expect(bench.complaints).toEqual([]);
});
