import { setTimeout as delay } from 'node:timers/promises';
import { Events } from '@stowage/api/ttrpc/events/v1';
import { Fault, type Logger } from '@stowage/core';
import { anyOf, rpcClient, timestampOf } from '@stowage/rpc';
import { ttrpcTransport } from '@stowage/ttrpc';
import type { LoggedEvent } from '../supervisor/event-lines.ts';
import type { EventLog } from '../supervisor/event-log.ts';

const RETRY_MS = 50;
const LONGEST_RETRY_MS = 2000;
/** A containerd that has taken an event and not said so in this time is given it again. */
const ANSWER_MS = 10_000;

export interface ForwardOptions {
  readonly events: Pick<EventLog, 'read' | 'ack'>;
  /** containerd's ttrpc socket. */
  readonly containerd: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Gives containerd all events, each in its turn, for as long as it takes: while containerd is down they wait in the
 * log. An event may be given twice, if an answer is lost; never not at all. Ends with the signal alone.
 */
export async function forwardEvents({ events, containerd, log, signal }: ForwardOptions): Promise<void> {
  await using transport = ttrpcTransport({ path: containerd });
  const { forward } = rpcClient(Events, transport);
  let failures = 0;
  for await (const event of events.read(0, signal)) {
    for (;;) {
      try {
        await forward(requestOf(event), { signal, timeoutMs: ANSWER_MS });
        if (failures > 0) log.info({ containerd, failures }, 'containerd takes events again');
        failures = 0;
        break;
      } catch (err) {
        signal.throwIfAborted();
        const { seq, envelope } = event;
        if (Fault.is(err, 'invalid_argument')) {
          // It would be so each time, and hold up all others.
          log.error({ err, seq, topic: envelope.topic }, 'containerd refuses an event, which is left out');
          break;
        }
        if (failures === 0) log.warn({ err, containerd, seq }, 'containerd takes no events; they wait');
        await delay(Math.min(RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS), undefined, { signal });
      }
    }
    await events.ack(event.seq);
  }
}

function requestOf({ envelope: { timestamp, namespace, topic, event } }: LoggedEvent) {
  return { envelope: { timestamp: timestampOf(timestamp), namespace, topic, event: anyOf(event) } };
}
