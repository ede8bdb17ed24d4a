import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);

test('a fake client loads no native code but LevelDB’s, and nothing that takes Linux', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { fakeClient } = await import(process.argv[1]);
    {
      await using client = await fakeClient({ images: { 'a/b:1': { config: { Cmd: ['true'] } } } });
      await using run = await client.run({ image: 'a/b:1' });
      if ((await run.exit).exitStatus !== 0) throw new Error('it failed');
    }
    const unwanted = /koffi|packages\\/(linux|runtime-runc|snapshotter-overlay|content-store)\\//;
    console.log(JSON.stringify({ count: loaded.length, unwanted: loaded.filter((url) => unwanted.test(url)) }));
  `;
  const index = join(import.meta.dirname, '../src/index.ts');
  const { stdout } = await run(
    process.execPath,
    ['--conditions=stowage-source', '--input-type=module', '-e', program, index],
    { env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const { count, unwanted } = JSON.parse(stdout) as { count: number; unwanted: string[] };
  expect(count).toBeGreaterThan(50);
  expect(unwanted).toEqual([]);
});
