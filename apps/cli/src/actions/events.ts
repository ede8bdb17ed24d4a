import type { ClientEvent } from '@stowage/client';
import { formatPosition, parsePosition } from '@stowage/core';
import { eventJson } from '@stowage/events/json';
import type { Command } from 'commander';
import type { EventFlags } from '../commands/events.ts';
import { open } from '../connection.ts';
import type { GlobalOptions } from '../global-options.ts';
import { type Format, formatOf, type Listing, lineOf } from '../listing.ts';
import { plain } from '../table.ts';
import { written } from '../written.ts';

export async function showEvents(command: Command, flags: EventFlags): Promise<void> {
  const { since } = flags;
  const format = formatOf(flags);
  const after = since === undefined ? undefined : parsePosition(since);
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  await using client = open(command);
  const filters = flags.allNamespaces ? flags.filter : inNamespace(namespace, flags.filter);
  for await (const event of client.events({ filters, after })) {
    const line = format.how === 'table' ? textOf(event) : lineFor(event, format);
    if (line !== '') await written(line);
  }
}

/** Alternatives, each of which must be of the namespace as well. */
function inNamespace(namespace: string, filters: readonly string[]): string[] {
  const own = `namespace==${namespace}`;
  return filters.length === 0 ? [own] : filters.map((filter) => `${own},${filter}`);
}

/** What is lost is told beside it. */
function textOf(event: ClientEvent): string {
  if (event.type === 'gap') {
    const many = event.missed === undefined ? 'events' : `${event.missed} events`;
    process.stderr.write(`stowage: ${many} are lost\n`);
  }
  if (event.type !== 'event') return '';
  const { timestamp, namespace, topic, event: payload } = event.envelope;
  const number = event.position === undefined ? '-' : String(event.position.sequence);
  const line = [timestamp.toISOString(), number, namespace, topic, JSON.stringify(eventJson(payload))];
  return `${plain(line.join(' '))}\n`;
}

/** Templates are filled in with what happens alone, not with where one is among it. */
function lineFor(told: ClientEvent, format: Format): string {
  if (format.how === 'template' && told.type !== 'event') return '';
  return lineOf(told, LISTING, format) ?? '';
}

const LISTING: Listing<ClientEvent> = { fields: [], json: jsonOf };

function jsonOf(told: ClientEvent): object {
  const position = told.position === undefined ? undefined : formatPosition(told.position);
  switch (told.type) {
    case 'position':
      return { position };
    case 'gap':
      return { position, gap: true, missed: told.missed };
    case 'event': {
      const { timestamp, namespace, topic, event } = told.envelope;
      const { typeUrl: type } = event;
      return { position, timestamp, namespace, topic, type, event: eventJson(event) };
    }
  }
}
