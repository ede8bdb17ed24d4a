import assert from 'node:assert/strict';
import type { NewContainer } from '@stowage/containers';
import {
  type Descriptor,
  digestOf,
  Fault,
  type FaultKind,
  jsonBytes,
  reasonOf,
  TYPE_URL,
  type TypedBytes,
} from '@stowage/core';
import type { NewSandbox } from '@stowage/sandboxes';
import type { CaseContext, ScopedServices } from './subject.ts';

/** Of an image whose content nobody looks for. */
export const target: Descriptor = {
  mediaType: 'application/vnd.oci.image.index.v1+json',
  digest: digestOf('an index'),
  size: 8n,
};

export const otherTarget: Descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf('a manifest'),
  size: 10n,
};

export const spec: TypedBytes = jsonBytes(TYPE_URL.spec, { ociVersion: '1.0.2' });

export const extension: TypedBytes = { typeUrl: 'example.org/Extension', value: new Uint8Array([1, 0, 255]) };

export function newContainer(id: string, more: Partial<NewContainer> = {}): NewContainer {
  const runtime = { name: 'io.containerd.runc.v2' };
  const named = { image: '', snapshotter: '', snapshotKey: '', sandboxId: '' };
  return { id, labels: {}, runtime, spec, extensions: {}, ...named, ...more };
}

export function newSandbox(id: string, more: Partial<NewSandbox> = {}): NewSandbox {
  const runtime = { name: 'io.containerd.runc.v2' };
  return { id, labels: {}, runtime, spec, extensions: {}, sandboxer: 'shim', ...more };
}

/** A scope in a namespace that nothing is in yet. */
export function fresh({ services, namespace }: CaseContext): ScopedServices {
  return services.scope({ namespace: namespace() });
}

export function sandboxesOf({ sandboxes }: ScopedServices) {
  assert.ok(sandboxes, 'it claims to have sandboxes');
  return sandboxes;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A map that takes any key, `__proto__` too. */
export function mapOf<T>(entries: ReadonlyArray<readonly [string, T]>): Record<string, T> {
  const map: Record<string, T> = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/** What a map holds, in the order of its keys. */
export function entriesOf<T>(map: Readonly<Record<string, T>>): Array<[string, T]> {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function sameMap<T>(actual: Readonly<Record<string, T>>, expected: Readonly<Record<string, T>>): void {
  assert.deepEqual(entriesOf(actual), entriesOf(expected));
}

export function sameBytes(actual: TypedBytes | undefined, expected: TypedBytes): void {
  assert.equal(actual?.typeUrl, expected.typeUrl);
  assert.equal(Buffer.compare(actual.value, expected.value), 0, 'the bytes must stay as they are');
}

/** Fails unless the work fails with a Fault of this kind. A view may refuse at once or at its first call. */
export async function refused(
  kind: FaultKind,
  work: () => Promise<unknown>,
  ...mentions: readonly string[]
): Promise<void> {
  const e = await failureOf(work);
  assert.ok(Fault.is(e), `expected a Fault ${kind}, got ${(e as Error | undefined)?.name}: ${reasonOf(e)}`);
  assert.equal(e.kind, kind, `expected ${kind}, got ${e.kind}: ${e.message}`);
  for (const text of mentions)
    assert.ok(e.message.includes(text), `the message must name ${text}: ${e.message}`);
}

/** What the work failed with. */
export async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (e) {
    return e;
  }
  throw new assert.AssertionError({ message: 'expected a failure, but the call succeeded' });
}
