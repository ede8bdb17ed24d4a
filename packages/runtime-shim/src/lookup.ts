import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { errnoOf, Fault, quote } from '@stowage/core';

const NAME = /^(?:[A-Za-z0-9_-]+\.)+([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

export interface LookupOptions {
  /** Directories to search, as in the variable PATH. */
  readonly path: string;
  /** Searched after those: where the program that embeds this lies. */
  readonly beside?: string | undefined;
}

/** Whether it can be the name of a shim: a path, or three words and more with dots between. */
export function isShimName(runtimeName: string): boolean {
  return isAbsolute(runtimeName) || NAME.test(runtimeName);
}

/**
 * The binary that serves a runtime name: `io.containerd.runc.v2` is `containerd-shim-runc-v2`; an absolute path is itself.
 *
 * @throws Fault `invalid_argument` for what can be no name; `not_found` if there is no such program, naming it and where
 *   it was looked for; `permission_denied` if it may not be run.
 * @see containerd core/runtime/v2/shim_manager.go resolveRuntimePath, pkg/shim/util.go BinaryName
 */
export async function findShim(runtimeName: string, { path, beside }: LookupOptions): Promise<string> {
  if (isAbsolute(runtimeName)) {
    const why = await whyNot(runtimeName);
    if (why === undefined) return runtimeName;
    throw new Fault(why.kind, `runtime ${quote(runtimeName)}: ${why.reason}`);
  }
  const [, family, version] = NAME.exec(runtimeName) ?? [];
  if (family === undefined) {
    throw new Fault(
      'invalid_argument',
      `runtime ${quote(runtimeName)}: expected a name as io.containerd.runc.v2, or an absolute path`,
    );
  }
  const binary = `containerd-shim-${family}-${version}`;
  const directories = path.split(delimiter).filter(isAbsolute);
  if (beside !== undefined) directories.push(beside);
  for (const directory of directories) {
    const candidate = join(directory, binary);
    if ((await whyNot(candidate)) === undefined) return candidate;
  }
  const where = directories.length === 0 ? 'PATH, which is empty' : directories.join(', ');
  throw new Fault(
    'not_found',
    `runtime ${quote(runtimeName)}: its shim ${binary} is not installed; it was looked for in ${where}`,
  );
}

async function whyNot(
  path: string,
): Promise<{ kind: 'not_found' | 'permission_denied'; reason: string } | undefined> {
  try {
    if (!(await stat(path)).isFile()) return { kind: 'not_found', reason: 'is no file' };
    await access(path, constants.X_OK);
    return undefined;
  } catch (e) {
    if (errnoOf(e) === 'EACCES') return { kind: 'permission_denied', reason: 'may not be run' };
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(e) ?? '')) throw e;
    return { kind: 'not_found', reason: 'there is no such file' };
  }
}
