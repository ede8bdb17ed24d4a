import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Each command, and the bundle that it is, below `lib/stowage`. */
const COMMANDS: Readonly<Record<string, string>> = {
  stowaged: 'daemon/stowaged.js',
  stowage: 'cli/stowage.js',
  'containerd-shim-stowage-v1': 'daemon/containerd-shim-stowage-v1.cjs',
};

/**
 * Finds its files by its own place, through links, so that a tarball works wherever it is unpacked; and starts the Node
 * that came along, or that of PATH. `exec`, so that a service manager and containerd have the process that they started.
 */
const script = (entry: string) => `#!/bin/sh
lib=$(dirname "$(readlink -f "$0")")/../lib/stowage
node=$lib/bin/node
[ -x "$node" ] || node=node
exec "$node" "$lib/${entry}" "$@"
`;

/** Says which Node it needs where that is too old to read a bundle. */
const starter = (bundle: string) => `import { launch } from './launch.mjs';
await launch(new URL('./${bundle}', import.meta.url));
`;

/** Writes the commands into `bin`, and what they start into `lib/stowage`. */
export async function writeCommands(tree: string): Promise<void> {
  const bin = join(tree, 'bin');
  const lib = join(tree, 'lib/stowage');
  await mkdir(bin, { recursive: true });
  for (const [name, bundle] of Object.entries(COMMANDS)) {
    // containerd runs its shim for every container: nothing stands before it.
    const isShim = bundle.endsWith('.cjs');
    if (!isShim) await writeFile(join(lib, `${name}.mjs`), starter(bundle));
    await writeFile(join(bin, name), script(isShim ? bundle : `${name}.mjs`));
    await chmod(join(bin, name), 0o755);
  }
}
