import type { Client } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import type { Both } from './both.ts';
import { copyContainers } from './copy-containers.ts';
import { copyContent } from './copy-content.ts';
import { copyImages } from './copy-images.ts';
import { type Count, type Step, Tally } from './report.ts';

/** Makes a client of one namespace of a daemon; it is disposed after use. */
export type ClientOf = (namespace: string) => Client;

export interface MigrateOptions extends CallOptions {
  /** Default: all that there are. */
  readonly namespaces?: readonly string[] | undefined;
  /** Default: true. */
  readonly containers?: boolean | undefined;
  /** Copies nothing, and tells what would be. */
  readonly dryRun?: boolean | undefined;
  /** Told what became of each thing. */
  readonly onStep?: ((step: Step) => void) | undefined;
}

/** By kind of thing. */
export type Migrated = Readonly<Partial<Record<Step['kind'], Count>>>;

/**
 * Copies namespaces, with their labels, their content, images and containers, from one daemon to another, either of
 * which may be Stowage or containerd. What is there already stays as it is, so that calling again goes on with what
 * failed or broke off. Nothing is changed at the one that is copied from; running processes, leases and sandboxes are
 * not copied.
 *
 * @throws Fault `not_found` if a namespace that is named is not there; `unavailable` if one of the daemons does not
 *   answer. What concerns one thing alone is told as a step that failed.
 */
export async function migrate(from: ClientOf, to: ClientOf, options: MigrateOptions = {}): Promise<Migrated> {
  const { signal, dryRun = false, containers = true, onStep } = options;
  const tally = new Tally(onStep);
  for (const { name, labels } of await wanted(from, options)) {
    await using source = from(name);
    await using target = to(name);
    await makeNamespace(target, { name, labels }, { dryRun, tell: tally.tell, signal });
    if (dryRun)
      await copyAll({ namespace: name, from: source, to: target, dryRun, tell: tally.tell, signal });
    else {
      await using held = await source.lease({ signal });
      await using made = await target.lease({ signal });
      await copyAll({
        namespace: name,
        from: held.client,
        to: made.client,
        dryRun,
        tell: tally.tell,
        signal,
      });
    }
  }
  return tally.counts();

  async function copyAll(both: Both): Promise<void> {
    await copyContent(both);
    await copyImages(both);
    if (containers) await copyContainers(both);
  }
}

async function wanted(from: ClientOf, { namespaces, signal }: MigrateOptions) {
  await using client = from('default');
  const all = await Array.fromAsync(client.services.namespaces.list({ signal }));
  if (namespaces === undefined) return all;
  return namespaces.map((name) => {
    const found = all.find((one) => one.name === name);
    if (found !== undefined) return found;
    const known = all.map((one) => one.name).join(', ');
    throw new Fault('not_found', `migrate: there is no namespace ${name} to copy; there are: ${known}`);
  });
}

async function makeNamespace(
  { services }: Client,
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  { dryRun, tell, signal }: Pick<Both, 'dryRun' | 'tell' | 'signal'>,
): Promise<void> {
  const said = { namespace: name, kind: 'namespace', name } as const;
  const all = await Array.fromAsync(services.namespaces.list({ signal }));
  if (all.some((one) => one.name === name)) return tell({ ...said, state: 'exists' });
  if (dryRun) return tell({ ...said, state: 'would' });
  try {
    await services.namespaces.create({ name, labels }, { signal });
    tell({ ...said, state: 'copied' });
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
    tell({ ...said, state: 'exists' });
  }
}
