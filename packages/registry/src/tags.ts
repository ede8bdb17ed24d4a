import { type CallOptions, Fault } from '@stowage/core';
import { pulling } from './access.ts';
import type { Api } from './api.ts';
import { parseFields } from './descriptor-fields.ts';
import { pages } from './pages.ts';
import { isTag, type Reference } from './reference.ts';

export interface TagsOptions extends CallOptions {
  /** How many to ask for at a time. Default: 1000. */
  readonly pageSize?: number | undefined;
}

/**
 * The tags of a repository, in the registry's order, page by page.
 *
 * @throws Fault `not_found` if there is no such repository; `failed_precondition` for a list that is none.
 */
export async function* listTags(
  api: Api,
  reference: Reference,
  { pageSize = 1000, signal }: TagsOptions,
  timeoutMs: number,
): AsyncGenerator<string> {
  const { host, repository } = reference;
  const subject = `list tags of ${host}/${repository}`;
  if (!Number.isSafeInteger(pageSize) || pageSize < 1)
    throw new Fault(
      'invalid_argument',
      `${subject}: pageSize must be a whole number above 0, not ${pageSize}`,
    );
  const path = `${repository}/tags/list?n=${pageSize}`;
  let isFound = false;
  for await (const { bytes } of pages(api, { subject, ...pulling(reference), path, timeoutMs, signal })) {
    isFound = true;
    yield* readTags(subject, bytes);
  }
  if (!isFound) throw new Fault('not_found', `${subject}: the registry has no repository of this name`);
}

function readTags(subject: string, bytes: Buffer): readonly string[] {
  const fail = (reason: string) => new Fault('failed_precondition', `${subject}: ${reason}`);
  let tags: unknown;
  try {
    ({ tags } = parseFields(subject, bytes));
  } catch (e) {
    throw Fault.is(e) ? new Fault('failed_precondition', e.message, { cause: e }) : e;
  }
  // What registries say of a repository whose tags are all deleted.
  if (tags === null || tags === undefined) return [];
  if (!Array.isArray(tags)) throw fail('what the registry sends is no list of tags');
  for (const tag of tags) if (typeof tag !== 'string' || !isTag(tag)) throw fail('it has a tag that is none');
  return tags;
}
