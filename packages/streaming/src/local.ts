import { type CallOptions, Fault, quote, type Scope, type Scoped, validateIdentifier } from '@stowage/core';
import { Channel } from './channel.ts';
import type { Stream } from './stream.ts';
import { StreamEnd } from './stream-end.ts';
import type { StreamManager } from './stream-manager.ts';

const MAX_ID = 1024;

interface Entry {
  readonly end: Stream;
  isTaken: boolean;
}

/** The streams of all namespaces of this process. They are aborted when it is disposed. */
export interface LocalStreams extends Scoped<StreamManager>, AsyncDisposable {
  /** How many are open. */
  count(): number;
}

export function localStreams(): LocalStreams {
  const open = new Map<string, Entry>();
  const scoped = ({ namespace }: Scope): StreamManager => {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    const keyOf = (id: string) => `${namespace}/${id}`;
    return {
      async open(id: string, { signal }: CallOptions = {}) {
        signal?.throwIfAborted();
        const key = keyOf(id);
        if (id === '' || id.length > MAX_ID) {
          throw new Fault('invalid_argument', `stream ${quote(id)}: an id has 1 to ${MAX_ID} characters`);
        }
        if (open.has(key)) throw new Fault('already_exists', `stream ${quote(id)}: already exists`);
        const [here, there] = [new Channel(), new Channel()];
        const onGone = () => {
          // The id may be somebody else's by now.
          if (open.get(key) === entry) open.delete(key);
        };
        const entry: Entry = {
          end: new StreamEnd({ id, out: there, in: here, onGone }),
          isTaken: false,
        };
        open.set(key, entry);
        return new StreamEnd({ id, out: here, in: there, onGone });
      },
      take(id: string) {
        const entry = open.get(keyOf(id));
        if (entry === undefined) throw new Fault('not_found', `stream ${quote(id)}: not found`);
        if (entry.isTaken) {
          throw new Fault('failed_precondition', `stream ${quote(id)}: somebody uses it already`);
        }
        entry.isTaken = true;
        return entry.end;
      },
    };
  };
  return Object.assign(scoped, {
    count: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const { end } of [...open.values()]) {
        end.abort(new Fault('unavailable', `stream ${quote(end.id)}: the daemon ends`));
      }
    },
  });
}
