import assert from 'node:assert/strict';
import { type Kind, kinds } from '../kinds.ts';
import type { Case, ScopedServices } from '../subject.ts';
import { collect, failureOf, fresh, sameMap } from '../support.ts';

const reason = new Error('given up by the caller');
const signal = AbortSignal.abort(reason);

/** A call that was given up before it began fails with the signal's reason, and does nothing. */
export const signalCases: readonly Case[] = kinds.map((kind) => ({
  id: `${kind.name}/a-call-given-up-before-it-began-does-nothing`,
  needs: kind.needs,
  async run(context) {
    const at = fresh(context);
    await kind.create(at, 'a', { key: 'value' });
    for (const call of callsOf(kind, at)) assert.equal(await failureOf(call), reason);
    assert.deepEqual(await collect(kind.list(at)), ['a']);
    sameMap((await kind.find(at, 'a'))?.labels ?? {}, { key: 'value' });
  },
}));

function callsOf(kind: Kind, at: ScopedServices): ReadonlyArray<() => Promise<unknown>> {
  const { editable } = kind;
  const options = { signal };
  return [
    () => kind.create(at, 'b', {}, options),
    () => kind.delete(at, 'a', options),
    () => collect(kind.list(at, [], options)),
    ...(editable === undefined
      ? []
      : [() => editable.get(at, 'a', options), () => editable.update(at, 'a', {}, ['labels'], options)]),
  ];
}
