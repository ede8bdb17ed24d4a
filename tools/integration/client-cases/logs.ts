import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from '@jest/globals';
import { type ClientCase, IMAGE } from './case.ts';

export const logCases: readonly ClientCase[] = [
  {
    name: 'what goes to a file is read line by line, as it comes and after the end',
    async run(client, { dir }) {
      const log = pathToFileURL(join(dir, `log-${Date.now()}`));
      log.search = 'format=cri';
      const script = 'echo one; echo two >&2; sleep 0.3; printf three';
      await using run = await client.run({
        image: IMAGE,
        args: ['sh', '-c', script],
        io: { stdout: log, stderr: log },
      });
      const followed = (await Array.fromAsync(client.logs(run.id, { follow: true }))).map(
        (line) => line.text,
      );
      // The runtime writes each stream by itself.
      expect(followed.sort()).toEqual(['one', 'three', 'two']);
      await run.exit;
      const lines = await Array.fromAsync(run.container.logs());
      expect(lines.map((line) => line.text).sort()).toEqual(['one', 'three', 'two']);
      expect(await Array.fromAsync(run.container.logs({ tail: 1 }))).toHaveLength(1);
      // With times if it is Stowage's runtime, and then by stream.
      if (lines[0]?.time === undefined) return;
      expect(lines.find((line) => line.text === 'two')?.stream).toBe('stderr');
      expect(await Array.fromAsync(run.container.logs({ since: new Date(Date.now() + 1000) }))).toEqual([]);
      expect(await Array.fromAsync(run.container.logs({ until: new Date(0) }))).toEqual([]);
    },
  },
  {
    name: 'a container that keeps no log says so',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: ['true'] });
      await expect(Array.fromAsync(run.container.logs())).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'following ends with an abort, whose reason is told',
    async run(client, { dir }) {
      const stdout = pathToFileURL(join(dir, `log-aborted-${Date.now()}`));
      await using run = await client.run({
        image: IMAGE,
        args: ['sh', '-c', 'echo up; sleep 100'],
        io: { stdout },
      });
      const stop = new AbortController();
      const reason = new Error('enough');
      const reading = (async () => {
        for await (const { text } of run.container.logs({ follow: true, signal: stop.signal })) {
          expect(text).toBe('up');
          stop.abort(reason);
        }
      })();
      await expect(reading).rejects.toBe(reason);
    },
  },
];
