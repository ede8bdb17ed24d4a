import type { Begin, ReportRequest, Error as WireError } from '@stowage/api/operations/v1';
import { abortable, Fault } from '@stowage/core';
import { errorFromWire, partFromWire } from './convert.ts';
import type { OperationService, RunningOperation } from './operations.ts';

export interface ReportOptions {
  /** How long a client may take to say what it begins: one that says nothing holds a call. Default: 30 s. */
  readonly beginTimeoutMs?: number | undefined;
}

type Answer =
  | { readonly answer: { readonly case: 'begun'; readonly value: { readonly id: string } } }
  | { readonly answer: { readonly case: 'canceled'; readonly value: { readonly message: string } } };

/** The service end of an operation that a client does. A call that breaks off fails the operation. */
export async function* report(
  operations: OperationService,
  requests: AsyncIterable<ReportRequest>,
  { signal }: { readonly signal: AbortSignal },
  { beginTimeoutMs = 30_000 }: ReportOptions,
): AsyncGenerator<Answer> {
  const messages = requests[Symbol.asyncIterator]();
  const { kind, subject, startedBy, cancelable } = await beginning(messages, beginTimeoutMs, signal);
  const begun = { kind, subject, startedBy, cancelable };
  await using operation = await operations.begin(begun, { signal });
  const ended = follow(messages, operation);
  yield { answer: { case: 'begun', value: { id: operation.id } } };
  const canceled = once(operation.signal);
  await Promise.race([ended, canceled]);
  if (operation.signal.aborted) {
    const { message } = operation.signal.reason as Fault;
    yield { answer: { case: 'canceled', value: { message } } };
  }
  await ended;
}

async function beginning(
  messages: AsyncIterator<ReportRequest>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Begin> {
  const late = new AbortController();
  const reason = new Fault('deadline_exceeded', `report: no operation was begun in ${timeoutMs} ms`);
  const timer = setTimeout(() => late.abort(reason), timeoutMs);
  try {
    const first = await abortable(messages.next(), AbortSignal.any([signal, late.signal]));
    const { report: message } = first.done === true ? { report: undefined } : first.value;
    if (message?.case !== 'begin')
      throw new Fault('invalid_argument', 'report: the first message must begin an operation');
    return message.value;
  } finally {
    clearTimeout(timer);
  }
}

/** Passes on what a client tells, until it ends the operation or is gone. Never fails. */
async function follow(messages: AsyncIterator<ReportRequest>, operation: RunningOperation): Promise<void> {
  try {
    for (;;) {
      const { value, done } = await messages.next();
      if (done === true) break;
      const { report: message } = value as ReportRequest;
      if (message.case === 'progress') {
        for (const name of message.value.phases) operation.phase(name);
        for (const part of message.value.parts) operation.part(partFromWire(part));
      } else if (message.case === 'end') {
        await operation.end(failureOf(message.value.error));
        return;
      }
    }
  } catch {
    // How a call breaks off tells nothing of the operation.
  }
  await operation[Symbol.asyncDispose]();
}

function failureOf(error: WireError | undefined): Fault | undefined {
  if (error === undefined) return undefined;
  const { kind, message } = errorFromWire(error);
  return new Fault(kind, message);
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
