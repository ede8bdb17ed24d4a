import type { Command } from 'commander';
import { type Flags, loadConfig } from '../config/load.ts';
import { checkRoot, repairRoot } from './check.ts';
import { Report } from './report.ts';

/** Adds `stowaged check`. */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description(
      'say what is lost or wrong in what the daemon keeps; exit code 0 if nothing, 1 if something is',
    )
    .option('--repair', 'keep what is whole and go on from it; the daemon must be stopped', false)
    .option('--json', 'print a JSON object a line', false)
    .addHelpText(
      'after',
      `
Asks the daemon if one runs. Otherwise it reads a copy of the database; nothing in the root changes.
A repair keeps the old database, and names it.

Exit codes: 0 whole (notes are no errors), 1 something is wrong, 78 it can't even be opened.`,
    )
    .action(async ({ repair, json }: { repair: boolean; json: boolean }) => {
      const config = await loadConfig(program.opts<Flags>());
      const report = new Report(process.stdout, json);
      if (repair) await repairRoot(config, report);
      else await checkRoot(config, report);
      report.end(config.root);
      process.exitCode = report.exitCode;
    });
}
