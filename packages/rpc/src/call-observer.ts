import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';

/** A call whose method is about to run. */
export interface BegunCall {
  readonly method: DescMethod;
  /** One header of the request, or null. */
  requestField(name: string): string | null;
}

/** What is told of one call. Neither function may throw. */
export interface CallObservation {
  /** Called once, when nothing more is sent. Undefined: it went well. */
  end(code: Code | undefined): void;
  /** Runs the method, for whoever has asynchronous context to set up around it. */
  run?<T>(work: () => T): T;
}

/**
 * Told of the calls that a server answers, of every protocol, but for those of methods that it does not have. It is asked
 * for each of them, so it must be quick, and must not throw.
 */
export interface CallObserver {
  begin(call: BegunCall): CallObservation;
}

/** One that tells several. Undefined for none. */
export function observers(all: readonly (CallObserver | undefined)[]): CallObserver | undefined {
  const [first, ...others] = all.filter((one) => one !== undefined);
  if (first === undefined || others.length === 0) return first;
  const rest = observers(others) as CallObserver;
  return {
    begin(call) {
      const [one, two] = [first.begin(call), rest.begin(call)];
      return {
        end(code) {
          one.end(code);
          two.end(code);
        },
        run: (work) => within(one, () => within(two, work)),
      };
    },
  };
}

/** Runs something as the observation wants it run. */
export function within<T>(observation: CallObservation | undefined, work: () => T): T {
  return observation?.run === undefined ? work() : observation.run(work);
}

/** Tells an observer of calls that go through Connect. */
export function observing(observer: CallObserver): Interceptor {
  return (next) => async (request) => {
    const requestField = (name: string) => request.header.get(name);
    const observation = observer.begin({ method: request.method, requestField });
    try {
      const response = await within(observation, () => next(request));
      if (!response.stream) {
        observation.end(undefined);
        return response;
      }
      return { ...response, message: untilEnd(response.message, observation) };
    } catch (e) {
      observation.end(codeOf(e));
      throw e;
    }
  };
}

async function* untilEnd<T>(messages: AsyncIterable<T>, observation: CallObservation): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  // Unless it is known to be otherwise, whoever reads went away.
  let code: Code | undefined = Code.Canceled;
  let isOver = false;
  try {
    for (;;) {
      const next = await within(observation, () => iterator.next());
      if (next.done === true) break;
      yield next.value;
    }
    isOver = true;
    code = undefined;
  } catch (e) {
    isOver = true;
    code = codeOf(e);
    throw e;
  } finally {
    observation.end(code);
    if (!isOver) await iterator.return?.();
  }
}

/** What a client is told. Of what is no ConnectError it is told that it is internal. */
export function codeOf(e: unknown): Code {
  return e instanceof ConnectError ? e.code : Code.Internal;
}
