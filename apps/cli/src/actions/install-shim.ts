import { access, constants, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';

const NAME = 'containerd-shim-stowage-v1';
const MARK = '# Written by "stowage install-shim".';

/** Puts an executable into a directory that starts the shim of the daemon installed beside this tool. */
export async function installShim(dir: string): Promise<void> {
  const directory = resolve(dir);
  await mustTakeFiles(directory);
  const path = join(directory, NAME);
  await mustBeOurs(path);
  await writeFile(`${path}.new`, script(process.execPath, await shimBundle()), { mode: 0o755 });
  await rename(`${path}.new`, path);
  process.stdout.write(`${path}\n`);
  const inPath = (process.env.PATH ?? '').split(':').includes(directory);
  process.stderr.write(
    `${inPath ? '' : `${directory} is not in PATH here. Is it in containerd's?\n`}` +
      'Try it with: ctr run --rm --runtime io.containerd.stowage.v1 IMAGE demo echo hello\n',
  );
}

async function mustTakeFiles(directory: string): Promise<void> {
  try {
    if (!(await stat(directory)).isDirectory()) {
      throw new Fault('invalid_argument', `install shim: ${directory}: is no directory`);
    }
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (e) {
    if (Fault.is(e)) throw e;
    const code = errnoOf(e);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new Fault('not_found', `install shim: ${directory}: there is no such directory`, { cause: e });
    }
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
      const why = code === 'EROFS' ? 'is read-only' : 'is not writable; try sudo';
      throw new Fault('permission_denied', `install shim: ${directory}: ${why}`, { cause: e });
    }
    throw e;
  }
}

/** Another program of this name is not written over. */
async function mustBeOurs(path: string): Promise<void> {
  try {
    if ((await readFile(path, 'latin1')).includes(MARK)) return;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return;
    throw e;
  }
  throw new Fault('already_exists', `install shim: ${path}: is there, and not of Stowage; remove it first`);
}

async function shimBundle(): Promise<string> {
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve('@stowage/daemon/package.json');
  } catch (e) {
    const how = 'npm install --global @stowage/daemon';
    throw new Fault('not_found', `install shim: @stowage/daemon, which has it, is not installed: ${how}`, {
      cause: e,
    });
  }
  const bundle = join(dirname(manifest), 'dist/bundle', `${NAME}.cjs`);
  await access(bundle);
  return bundle;
}

/** Options for node of containerd's environment are not for this; its warnings would spoil the answer. */
function script(node: string, bundle: string): string {
  const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`;
  return `#!/bin/sh
${MARK} Do so again after Stowage or node has moved.
unset NODE_OPTIONS
exec ${quoted(node)} --no-warnings ${quoted(bundle)} "$@"
`;
}
