import { Fault, quote, TYPE_URL, type TypedBytes } from '@stowage/core';

/** @throws Fault `invalid_argument` for anything but JSON of runtime-spec LinuxResources. */
export function checkResources(
  id: string,
  resources: TypedBytes | undefined,
): asserts resources is TypedBytes {
  if (resources === undefined) throw new Fault('invalid_argument', `update ${id}: resources are required`);
  const { typeUrl, value } = resources;
  if (typeUrl !== TYPE_URL.linuxResources) {
    const expected = TYPE_URL.linuxResources;
    throw new Fault('invalid_argument', `update ${id}: expected ${expected}, got ${quote(typeUrl)}`);
  }
  const parsed = parse(id, value);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Fault('invalid_argument', `update ${id}: the resources are no object`);
  }
}

function parse(id: string, value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8'));
  } catch (e) {
    throw new Fault('invalid_argument', `update ${id}: the resources are no JSON`, { cause: e });
  }
}
