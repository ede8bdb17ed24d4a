import { Fault, jsonBytes, reasonOf, TYPE_URL, type TypedBytes } from '@stowage/core';
import { defaultSpec, type SpecSubject } from './default-spec.ts';
import { settle } from './settle.ts';
import type { LinuxResources, Process, Spec } from './spec.ts';

/** One decision about a spec. It gives a new spec and leaves the one it was given alone. */
export type SpecOption = (spec: Spec) => Spec | Promise<Spec>;

/** Longest spec that is read: what fits a message of containerd's API. */
const MAX_SPEC_BYTES = 16 * 1024 * 1024;

/**
 * The default spec changed by each option in turn; later ones win.
 *
 * @throws Fault `invalid_argument` if there is no program to run in the end, or what the options say together makes no
 *   sense; and whatever they throw.
 *
 * ```ts
 * await composeSpec({ namespace: 'default', id: 'web' }, withImageConfig(config), withEnv(['PORT=80']), withHostNetwork());
 * ```
 */
export async function composeSpec(subject: SpecSubject, ...options: readonly SpecOption[]): Promise<Spec> {
  return settle(await applyOptions(defaultSpec(subject), ...options), subject.id);
}

export async function applyOptions(spec: Spec, ...options: readonly SpecOption[]): Promise<Spec> {
  let result = spec;
  for (const option of options) result = await option(result);
  return result;
}

/** As a container's `spec` travels. */
export function specBytes(spec: Spec): TypedBytes {
  return jsonBytes(TYPE_URL.spec, spec);
}

/** As the `spec` of an exec travels. */
export function processBytes(process: Process): TypedBytes {
  return jsonBytes(TYPE_URL.process, process);
}

/** As the `resources` of an update travel. */
export function resourcesBytes(resources: LinuxResources): TypedBytes {
  return jsonBytes(TYPE_URL.linuxResources, resources);
}

/**
 * Reads a container's spec back.
 *
 * @throws Fault `invalid_argument` if it is of another type, too large or no JSON object.
 */
export function parseSpec({ typeUrl, value }: TypedBytes): Spec {
  const fail = (reason: string, cause?: unknown) =>
    new Fault('invalid_argument', `read runtime spec: ${reason}`, { cause });
  if (typeUrl !== TYPE_URL.spec) throw fail(`type ${typeUrl} is not ${TYPE_URL.spec}`);
  if (value.byteLength > MAX_SPEC_BYTES)
    throw fail(`${value.byteLength} bytes, the most is ${MAX_SPEC_BYTES}`);
  try {
    const spec: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return spec as Spec;
  } catch (e) {
    throw fail(reasonOf(e), e);
  }
  throw fail('no JSON object');
}
