import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '@stowage/core';
import type { KitCase, KitParts, KitSubject } from './kit.ts';

/** Why a case is not for a subject; undefined if it is. */
export function whySkipped<Capability extends string>(
  { needs = [], without, deprecated }: Pick<KitCase<Capability, never>, 'needs' | 'without' | 'deprecated'>,
  capabilities: ReadonlySet<Capability>,
  of: string,
): string | undefined {
  if (deprecated !== undefined) return `deprecated: ${deprecated}`;
  const missing = needs.filter((need) => !capabilities.has(need));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  return without !== undefined && capabilities.has(without) ? `for ${of} without ${without}` : undefined;
}

export async function runCase<
  Capability extends string,
  Context,
  Opened extends Partial<AsyncDisposable>,
  Subject extends KitSubject<Capability, Opened>,
>(
  { name, context }: KitParts<Capability, Context, Opened, Subject>,
  one: KitCase<Capability, Context>,
  subject: Subject,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), `${name.replaceAll(' ', '-')}-`));
  let opened: Opened | undefined;
  const end = async () => {
    await opened?.[Symbol.asyncDispose]?.();
    await subject.end?.(root);
  };
  try {
    opened = await subject.open(root);
    const reopen = async () => {
      await opened?.[Symbol.asyncDispose]?.();
      opened = undefined;
      opened = await subject.open(root);
      return opened;
    };
    await one.run(context(opened, reopen, subject));
  } catch (e) {
    // What fails now, fails because of what failed before.
    await end().catch(() => {});
    const kept = (await removeIfEmpty(root)) ? '' : ` (files kept in ${root})`;
    throw new Error(`${one.id}: ${reasonOf(e)}${kept}`, { cause: e });
  }
  await end();
  await rm(root, { recursive: true, force: true });
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  if ((await readdir(directory)).length > 0) return false;
  await rmdir(directory);
  return true;
}
