import type { Command } from 'commander';

/** How a list is written. */
export interface ListFormatFlags {
  readonly format: string;
  readonly quiet: boolean;
}

/** `--format`, of commands whose output is a list. */
export function withFormatOption(command: Command, usual: 'table' | 'text' = 'table'): Command {
  return command.option('--format <how>', `${usual}, json, or a template such as '{{.ID}}'`, usual);
}

/** `--format`, and `--quiet` for what other commands are to be given. */
export function withListOptions(command: Command, names: string): Command {
  return withFormatOption(command).option('-q, --quiet', `${names} only`, false);
}
