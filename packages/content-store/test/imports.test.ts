import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/** Imports a module in a process of its own, and tells every file that was loaded for it. */
const PROGRAM = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
await import(process.argv[1]);
console.log(JSON.stringify(loaded));
`;

test.each(['@stowage/content-store', '@stowage/content-store/plugin'])(
  '%s loads this package, its interface and the words, and nothing of RPC',
  async (name) => {
    const args = ['--conditions=stowage-source', '--input-type=module', '--eval', PROGRAM, name];
    const cwd = new URL('..', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    const files = (JSON.parse(stdout) as string[]).filter((url) => url.startsWith('file:'));
    const packages = new Set(
      files.map((url) => /(?:packages|node_modules)\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]),
    );
    expect(packages).toContain('content-store');
    expect([...packages].sort()).toEqual(expect.arrayContaining(['content', 'content-store', 'core']));
    for (const found of packages) expect(['content', 'content-store', 'core', 're2js']).toContain(found);
  },
);
