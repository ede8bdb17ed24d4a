import { Fault, reasonOf, type Scope, type Scoped } from '@stowage/core';
import type { NewOperation, OperationRecorder, Part, RunningOperation } from '@stowage/operations';
import type { TransferObject } from './objects.ts';
import type { TransferProgress, Transfers } from './transfers.ts';

/** Tells of pulls, pushes, imports and exports while they are done, and lets others cancel them. */
export function recordedTransfers(
  transfers: Scoped<Transfers>,
  operations: OperationRecorder,
): Scoped<Transfers> {
  return (scope: Scope) => ({
    async transfer(source, destination, options = {}) {
      const { onProgress, startedBy, signal } = options;
      const what = operationOf(source, destination);
      if (what === undefined || scope.namespace === '')
        return transfers(scope).transfer(source, destination, options);
      await using operation = operations.begin(scope.namespace, { ...what, startedBy });
      const stage = STAGES[what.kind];
      const either = signal === undefined ? operation.signal : AbortSignal.any([signal, operation.signal]);
      const told = {
        ...options,
        signal: either,
        onProgress: (step: TransferProgress) => {
          tell(operation, stage, step);
          onProgress?.(step);
        },
      };
      try {
        await transfers(scope).transfer(counted(source, operation), counted(destination, operation), told);
        await operation.end();
      } catch (e) {
        // Its client's reason is any error: that it gave up is what others are told.
        await operation.end(signal?.aborted ? new Fault('canceled', reasonOf(e)) : e);
        throw e;
      }
    },
  });
}

type Kind = 'pull' | 'push' | 'import' | 'export';

/** @returns none for what takes no time, or is known to nobody here. */
function operationOf(
  source: TransferObject,
  destination: TransferObject,
): (NewOperation & { readonly kind: Kind }) | undefined {
  if (source.kind === 'registry' && destination.kind === 'store')
    return { kind: 'pull', subject: source.reference };
  if (source.kind === 'store' && destination.kind === 'registry')
    return { kind: 'push', subject: destination.reference };
  if (source.kind === 'import' && destination.kind === 'store')
    return { kind: 'import', subject: namesOf(destination) };
  if (source.kind === 'store' && destination.kind === 'export')
    return { kind: 'export', subject: namesOf(source) };
  return undefined;
}

function namesOf({
  name,
  references = [],
}: {
  readonly name: string;
  readonly references?: ReadonlyArray<{ readonly name: string }> | undefined;
}): string {
  const names = references.map((reference) => reference.name);
  return (name === '' ? names : [name, ...names]).join(' ');
}

/** The same, telling how much of an archive has passed. */
function counted(object: TransferObject, operation: RunningOperation): TransferObject {
  if (object.kind === 'import') return { ...object, bytes: counting(object.bytes, 'read', operation) };
  if (object.kind !== 'export') return object;
  return {
    ...object,
    write: (bytes, options) => object.write(counting(bytes, 'write', operation), options),
  };
}

async function* counting(
  bytes: AsyncIterable<Uint8Array>,
  stage: 'read' | 'write',
  operation: RunningOperation,
): AsyncGenerator<Uint8Array> {
  let bytesDone = 0n;
  const tellState = (state: Part['state']) =>
    operation.part({ name: 'archive', mediaType: '', stage, state, bytesDone, bytesTotal: 0n });
  for await (const chunk of bytes) {
    bytesDone += BigInt(chunk.byteLength);
    tellState('running');
    yield chunk;
  }
  tellState('done');
}

const PHASES: ReadonlyArray<readonly [string, string]> = [
  ['Resolving', 'resolve'],
  ['Pulling', 'fetch'],
  ['Pushing', 'push'],
  ['Importing', 'read'],
  ['Exporting', 'write'],
];

/** What is done to blobs, unless the step says more. */
const STAGES: Readonly<Record<Kind, string>> = {
  pull: 'fetch',
  push: 'push',
  import: 'unpack',
  export: 'write',
};

/** What becomes of a blob, by the word for it. */
const STEPS: Readonly<Record<string, { readonly state: Part['state']; readonly stage?: string }>> = {
  waiting: { state: 'waiting' },
  downloading: { state: 'running' },
  uploading: { state: 'running' },
  extracting: { state: 'running', stage: 'unpack' },
  extracted: { state: 'done', stage: 'unpack' },
  complete: { state: 'done' },
  'already exists': { state: 'exists' },
};

function tell(
  operation: RunningOperation,
  usual: string,
  { event, name, bytes, totalBytes, descriptor }: TransferProgress,
): void {
  if (name === '') {
    const phase = PHASES.find(([word]) => event.startsWith(word));
    if (phase !== undefined) operation.phase(phase[1]);
    return;
  }
  if (event === 'saved') operation.phase('commit');
  if (event === 'extracting') operation.phase('unpack');
  const step = Object.hasOwn(STEPS, event) ? STEPS[event] : undefined;
  if (step === undefined || descriptor === undefined) return;
  const { digest, mediaType } = descriptor;
  const { state, stage = usual } = step;
  operation.part({ name: digest, mediaType, stage, state, bytesDone: bytes, bytesTotal: totalBytes });
}
