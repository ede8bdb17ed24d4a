import type { Command } from 'commander';
import { gather } from '../gather.ts';
import { withFormatOption } from './format-options.ts';

export interface EventFlags {
  readonly allNamespaces: boolean;
  readonly filter: readonly string[];
  readonly since?: string;
  readonly format: string;
}

const EXAMPLES = `
Examples:
  stowage events                                  what happens in this namespace, until Ctrl-C
  stowage events -A -f 'topic=="/tasks/exit"'
  stowage events --since 0                        what has happened lately, too
  stowage events --format '{{.Topic}} {{.Event.container_id}}'
  stowage events --since 5c1d…:1702 --format json | jq .event

Fields of filters: namespace, topic, event.<field>, such as event.container_id. Each event has a number, which counts in one
run of the daemon; with --format json, "position" names both: given to --since, it goes on from there. What the daemon
no longer keeps is told as lost. containerd's events have no numbers, and it keeps none.`;

export function addEventsCommand(program: Command): void {
  withFormatOption(program.command('events'), 'text')
    .description('show what happens')
    .option('-A, --all-namespaces', 'in all namespaces', false)
    .option('-f, --filter <filter>', 'those that match (repeat it for "or")', gather, [])
    .option('--since <position>', 'what happened after a number or position, first')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EventFlags, command: Command) => {
      const { showEvents } = await import('../actions/events.ts');
      await showEvents(command, flags);
    });
}
