import { randomBytes } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import type { Client, ContainerHandle } from '@stowage/client';
import { type CallOptions, errnoOf, Fault, type Labels, reasonOf } from '@stowage/core';
import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { RunFlags } from '../commands/run-flags.ts';
import { containerDir } from '../state.ts';
import { containerLabels } from './label-options.ts';
import { obtainImage } from './obtain-image.ts';
import { restartLabels } from './restart-labels.ts';
import { snapshotLabels, specOptions } from './spec-options.ts';

export interface MadeContainer {
  readonly container: ContainerHandle;
  readonly labels: Labels;
  /** Of its files, which need not be there yet. */
  readonly dir: string;
}

/** Makes a container as flags say, which are checked before anything is pulled or made. */
export async function makeContainer(
  command: Command,
  client: Client,
  { reference, args }: { readonly reference: string; readonly args: readonly string[] },
  flags: RunFlags,
  { signal }: CallOptions,
): Promise<MadeContainer> {
  const id = flags.name ?? randomBytes(6).toString('hex');
  const dir = await containerDir(command, id);
  const name = normalizeReference(reference);
  const own = await containerLabels(dir, flags);
  const spec = await specOptions(client, args, flags);
  const labels = { ...own, ...(await restartLabels(client, flags, own, { signal })) };
  const image = await obtainImage(client, name, flags.pull, { signal });
  const container = await client.createContainer({
    ...{ id, image, args, user: flags.user, spec, labels, signal },
    snapshotLabels: snapshotLabels(flags),
  });
  if (flags.cidfile !== undefined) {
    try {
      await writeId(flags.cidfile, id);
    } catch (e) {
      await container[Symbol.asyncDispose]();
      throw e;
    }
  }
  return { container, labels, dir };
}

/** As docker has it, a file that is there already is another container's. */
async function writeId(path: string, id: string): Promise<void> {
  try {
    await using file = await openFile(path, 'wx', 0o644);
    await file.writeFile(id);
  } catch (e) {
    const isThere = errnoOf(e) === 'EEXIST';
    const reason = isThere ? 'it is there; remove it, or name another' : reasonOf(e);
    throw new Fault(isThere ? 'already_exists' : 'unavailable', `--cidfile ${path}: ${reason}`, { cause: e });
  }
}
