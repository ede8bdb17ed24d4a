import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf } from '@stowage/core';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', win32: 'explorer' };

/**
 * Opens an address with a secret in the browser of the desktop. Everybody on the machine sees the arguments of programs, so
 * the browser is given a file that leads there, which is this user's alone and goes when this is disposed.
 */
export async function openBrowser(url: string): Promise<AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'stowage-ui-'));
  const remove = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
  const page = join(dir, 'open.html');
  const refresh = `<meta http-equiv="refresh" content="0; url=${url}">`;
  await writeFile(page, `<!doctype html><title>Stowage</title>${refresh}\n`, { mode: 0o600 });
  const opener = OPENERS[process.platform] ?? 'xdg-open';
  try {
    const child = spawn(opener, [pathToFileURL(page).href], { stdio: 'ignore', detached: true });
    await once(child, 'spawn');
    child.unref();
  } catch (e) {
    process.stderr.write(`stowage: no browser was opened: ${opener}: ${errnoOf(e) ?? 'it failed'}\n`);
  }
  return remove;
}
