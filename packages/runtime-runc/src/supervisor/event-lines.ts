import type { Envelope } from '@stowage/events';

export interface LoggedEvent {
  /** Counts up over all events of one state directory. */
  readonly seq: number;
  readonly envelope: Envelope;
}

type Line =
  | { readonly ack: number }
  | {
      readonly seq: number;
      readonly at: number;
      readonly ns: string;
      readonly topic: string;
      readonly type: string;
      readonly value: string;
    };

export function lineOfEvent({ seq, envelope }: LoggedEvent): string {
  const { timestamp, namespace, topic, event } = envelope;
  const value = Buffer.from(event.value).toString('base64');
  const line: Line = { seq, at: timestamp.getTime(), ns: namespace, topic, type: event.typeUrl, value };
  return `${JSON.stringify(line)}\n`;
}

export function lineOfAck(ack: number): string {
  return `${JSON.stringify({ ack } satisfies Line)}\n`;
}

/** What a file says. A last line without its end was cut short by a crash, and never announced. */
export function parseEventLines(text: string): { events: LoggedEvent[]; acked: number; damaged: number } {
  const events: LoggedEvent[] = [];
  let [acked, damaged] = [0, 0];
  for (const line of text.split('\n').slice(0, -1).map(parseLine)) {
    if (line === undefined) damaged++;
    else if ('ack' in line) acked = Math.max(acked, line.ack);
    else events.push({ seq: line.seq, envelope: envelopeOf(line) });
  }
  return { events, acked, damaged };
}

function parseLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

function envelopeOf({ at, ns, topic, type, value }: Exclude<Line, { ack: number }>): Envelope {
  return {
    timestamp: new Date(at),
    namespace: ns,
    topic,
    event: { typeUrl: type, value: new Uint8Array(Buffer.from(value, 'base64')) },
  };
}
