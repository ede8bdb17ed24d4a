import { readFile } from 'node:fs/promises';
import { STOP_SIGNAL_LABEL } from '@stowage/client';
import { Fault, type Labels, reasonOf, validateLabels } from '@stowage/core';
import type { RunFlags } from '../commands/run-flags.ts';
import { CLI_LABEL } from '../container-labels.ts';
import { parsePairs } from '../pairs.ts';
import { parseSignal } from '../signal.ts';
import { logUri } from './log-flags.ts';

/** What is noted on a container to be made, by flags and by us. @throws Fault `invalid_argument` */
export async function containerLabels(dir: string, flags: RunFlags): Promise<Labels> {
  const { stopSignal, stopTimeout, interactive, rm, detach } = flags;
  if (stopSignal !== undefined) parseSignal(stopSignal);
  const uri = logUri(dir, flags);
  const given = parsePairs('--label', [...(await fromFiles(flags.labelFile)), ...flags.label]);
  const labels = {
    ...(uri !== undefined && { [CLI_LABEL.log]: uri.href }),
    ...(interactive && { [CLI_LABEL.stdin]: 'open' }),
    ...(rm && detach && { [CLI_LABEL.autoRemove]: 'true' }),
    ...(stopSignal !== undefined && { [STOP_SIGNAL_LABEL]: stopSignal }),
    ...(stopTimeout !== undefined && { [CLI_LABEL.stopTimeout]: `${stopTimeout}` }),
    ...given,
  };
  validateLabels(labels);
  return labels;
}

async function fromFiles(paths: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const path of paths) lines.push(...(await linesOf('--label-file', path)));
  return lines;
}

/** Without those that are empty, or begin with `#`. @throws Fault `invalid_argument` */
export async function linesOf(flag: string, path: string): Promise<string[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/);
    return lines.map((line) => line.trimStart()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (e) {
    throw new Fault('invalid_argument', `${flag} ${path}: ${reasonOf(e)}`, { cause: e });
  }
}
