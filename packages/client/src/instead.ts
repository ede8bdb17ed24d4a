import { Fault } from '@stowage/core';

/** In the words of grpc-go, of our own server, and of a transport in memory. */
const NOT_SERVED = /^unknown (?:service|method) |no handler registered for \//;

/** What a daemon may lack. */
export interface Lack {
  /** What it is, for people: `records of sandboxes`. */
  readonly what: string;
  /** What has it: `Stowage`, `containerd 1.7`. */
  readonly since: string;
  /** What does instead. */
  readonly instead: string;
}

/**
 * The same service, whose failures say what to do where the daemon does not serve it: a Fault `unimplemented` still, but
 * one that tells what is lacking, since when there is such a thing, and what to use instead. What a daemon serves and
 * refuses as `unimplemented`, such as one of many kinds of transfers, keeps its own words.
 */
export function orInstead<T extends object>(service: T, lack: Lack): T {
  const explained = Object.entries(service).map(([name, member]) => [
    name,
    typeof member === 'function' ? withExplanation(member as Method, lack) : member,
  ]);
  return Object.fromEntries(explained) as T;
}

type Method = (...args: readonly unknown[]) => unknown;

function withExplanation(method: Method, lack: Lack): Method {
  return (...args) => {
    const result = method(...args);
    if (isIterable(result)) return iterate(result, lack);
    return Promise.resolve(result).catch((e: unknown) => {
      throw explained(e, lack);
    });
  };
}

async function* iterate(items: AsyncIterable<unknown>, lack: Lack): AsyncGenerator<unknown> {
  try {
    yield* items;
  } catch (e) {
    throw explained(e, lack);
  }
}

function isIterable(result: unknown): result is AsyncIterable<unknown> {
  return (
    typeof (result as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === 'function'
  );
}

function explained(e: unknown, { what, since, instead }: Lack): unknown {
  if (!Fault.is(e, 'unimplemented') || !NOT_SERVED.test(e.message)) return e;
  return new Fault('unimplemented', `${what}: this server has none, which come with ${since}; ${instead}`, {
    cause: e,
  });
}
