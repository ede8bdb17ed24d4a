import { randomUUID } from 'node:crypto';
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault, unlessAbsent } from '@stowage/core';
import { syncDirectory } from '@stowage/core/durable';
import { parseConfig, readConfigText } from './docker-config.ts';

type Fields = Record<string, unknown>;

/**
 * Changes one entry of `auths` in Docker's config and nothing else: other entries keep their order, and numbers their
 * spelling, however large. The file is replaced at once, with mode 0600; where it is a link, what it leads to is.
 *
 * @param entry - none removes it.
 */
export async function editAuths(file: string, key: string, entry: Fields | undefined): Promise<void> {
  const target = await resolved(file);
  const text = await readConfigText(target);
  // Refuses what is broken before it is written anew.
  parseConfig(file, text);
  const isEmpty = text === undefined || text.trim() === '';
  if (isEmpty && entry === undefined) return;
  const top = isEmpty ? {} : (JSON.parse(text, keepNumber) as Fields);
  const auths = (top.auths ?? {}) as Fields;
  if (entry === undefined && !Object.hasOwn(auths, key)) return;
  if (entry === undefined) delete auths[key];
  else auths[key] = entry;
  top.auths = auths;
  await replace(target, `${JSON.stringify(top, null, indentOf(text))}\n`);
}

/** JSON.parse tells the text of a number, and JSON.stringify takes it back, so that none is rounded. */
function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(context.source);
}

/** As it was; a tab, as Docker writes it. */
function indentOf(text: string | undefined): string {
  return /^\s*\{\r?\n([ \t]+)/.exec(text ?? '')?.[1] ?? '\t';
}

async function resolved(file: string): Promise<string> {
  return (await unlessAbsent(realpath(file))) ?? file;
}

async function replace(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    {
      await using handle = await open(draft, 'wx', 0o600);
      await handle.writeFile(text);
      await handle.sync();
    }
    await rename(draft, file);
  } catch (e) {
    await rm(draft, { force: true });
    throw new Fault('unavailable', `write ${file}: ${errnoOf(e) ?? 'it failed'}`, { cause: e });
  }
  await syncDirectory(dirname(file));
}
