// Writes the manual pages of the command from its definitions: apps/cli/man/stowage.1, and one for each command.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const dir = join(import.meta.dirname, '../apps/cli/man');

export async function writeManual(to = dir) {
  // What is usual here is not what is usual elsewhere.
  for (const name of ['STOWAGE_ADDRESS', 'CONTAINERD_ADDRESS', 'CONTAINERD_NAMESPACE', 'STOWAGE_ROOT'])
    delete process.env[name];
  const { wholeProgram } = await import('../apps/cli/src/program.ts');
  const { manualPages } = await import('../apps/cli/src/manual.ts');
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const { file, text } of manualPages(await wholeProgram())) await writeFile(join(to, file), text);
}

if (process.argv[1] === import.meta.filename) await writeManual(process.argv[2]);
