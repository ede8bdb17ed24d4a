import type { Command } from 'commander';
import { EXIT_FAILED } from '../../exit-codes.ts';
import type { Flags } from '../load.ts';
import { checkConfig, type Plan } from './check-config.ts';

/** Adds `stowaged config check`. */
export function addConfigCheckCommand(config: Command, program: Command): void {
  config
    .command('check')
    .description(
      'say what is wrong with a config file, and what would start; exit code 0 if the daemon would',
    )
    .argument('[file]', 'config file (default: that of --config)')
    .option('--strict', 'count warnings, such as tables of plugins that are not here, as errors', false)
    .option('-q, --quiet', 'do not print what would start', false)
    .action(async (file: string | undefined, options: { strict: boolean; quiet: boolean }) => {
      const flags = program.opts<Flags>();
      const { findings, plan } = await checkConfig(file === undefined ? flags : { ...flags, config: file });
      for (const { isError, text } of findings)
        process.stderr.write(`${isError ? 'error' : 'warning'}: ${text}\n`);
      const isBad = plan === undefined || (options.strict && findings.length > 0);
      if (isBad) process.exitCode = EXIT_FAILED;
      else if (!options.quiet) process.stdout.write(describe(plan));
    });
}

function describe({ config, plugins }: Plan): string {
  const { root, state, address, debug } = config;
  const lines = [
    ['root', root],
    ['state', state],
    ['serves on', `${address} and ${address}.ttrpc`],
    ...(debug.address === undefined ? [] : [['debug socket', debug.address]]),
  ].map(([what = '', value]) => `${what.padEnd(12)}  ${value}`);
  const names = plugins.map(({ type, id }) => `  ${type}.${id}`);
  return `${[...lines, `plugins, ${plugins.length}:`, ...names].join('\n')}\n`;
}
