import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);

test('a client loads no native code, no database and no HTTP client', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(process.argv[1]);
    const unwanted = /koffi|classic-level|abstract-level|undici|\\.node$|packages\\/(linux|metadata|engine|content-store|runtime-runc)\\//;
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
