import { Fault, quote } from '@stowage/core';
import type { Stream } from '@stowage/streaming';
import { credentialsFromWire, credentialsRequestToWire } from '../convert.ts';
import type { CredentialsFor } from '../objects.ts';

/**
 * Asks a client for credentials over a stream, one question at a time.
 *
 * @throws Fault `deadline_exceeded` if it does not answer in time, after which it is not asked again.
 */
export function credentialsAsker(stream: Stream, timeoutMs: number): CredentialsFor {
  let last: Promise<unknown> = Promise.resolve();
  return (request, { signal } = {}) => {
    const ask = async () => {
      await last.catch(() => undefined);
      signal?.throwIfAborted();
      const timeout = AbortSignal.timeout(timeoutMs);
      const until = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      const subject = `ask the client for credentials of ${quote(request.host)}`;
      try {
        await stream.send(credentialsRequestToWire(request), { signal: until });
        const answer = await stream.receive({ signal: until });
        if (answer !== undefined) return credentialsFromWire(answer);
        throw new Fault('unauthenticated', `${subject}: it has closed the stream`);
      } catch (e) {
        // The answer may yet come, and would be taken for that to the next question.
        const late = new Fault('deadline_exceeded', `${subject}: no answer in ${timeoutMs} ms`, { cause: e });
        const failure = timeout.aborted && !signal?.aborted ? late : e;
        stream.abort(Fault.is(failure) ? failure : new Fault('canceled', `${subject}: given up`));
        throw failure;
      }
    };
    const asking = ask();
    last = asking;
    return asking;
  };
}
