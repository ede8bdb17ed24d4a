import { type Descriptor, Fault, parseDigest, quote } from '@stowage/core';

/** The fields of a JSON object that somebody else wrote. */
export type DescriptorFields = Readonly<Record<string, unknown>>;

/** A descriptor in a list of referrers says what kind of thing refers. */
export interface Referrer extends Descriptor {
  readonly artifactType?: string | undefined;
}

/** @throws Fault `invalid_argument` for what is no JSON object in UTF-8. */
export function parseFields(subject: string, bytes: Uint8Array): DescriptorFields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    throw new Fault('invalid_argument', `${subject}: it is no JSON`, { cause: e });
  }
  if (!isFields(value)) throw new Fault('invalid_argument', `${subject}: it is no JSON object`);
  return value;
}

/** @throws Fault `invalid_argument` naming the field. */
export function readDescriptor(subject: string, value: unknown): Referrer {
  const fail = (reason: string, cause?: unknown) =>
    new Fault('invalid_argument', `${subject}: a descriptor ${reason}`, { cause });
  if (!isFields(value)) throw fail('is no object');
  const { mediaType, digest, size, artifactType, annotations } = value;
  if (typeof mediaType !== 'string' || mediaType === '') throw fail('has no mediaType');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw fail('has no valid size');
  if (typeof digest !== 'string') throw fail('has no digest');
  if (artifactType !== undefined && typeof artifactType !== 'string') throw fail('has no valid artifactType');
  return {
    mediaType,
    digest: parsed(digest, fail),
    size: BigInt(size),
    ...(artifactType !== undefined && artifactType !== '' && { artifactType }),
    ...(annotations !== undefined &&
      annotations !== null && { annotations: readAnnotations(annotations, fail) }),
  };
}

type Fail = (reason: string, cause?: unknown) => Fault;

function parsed(digest: string, fail: Fail) {
  try {
    return parseDigest(digest);
  } catch (e) {
    throw fail(`has the digest ${quote(digest)}, which is none`, e);
  }
}

function readAnnotations(value: unknown, fail: Fail): Readonly<Record<string, string>> {
  if (!isFields(value)) throw fail('has annotations that are no object');
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw fail(`has an annotation ${quote(key)} that is no text`);
    annotations[key] = text;
  }
  return annotations;
}

function isFields(value: unknown): value is DescriptorFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
