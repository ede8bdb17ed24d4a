import { Fault, type PluginStatus, reasonOf } from '@stowage/core';
import { planOf, unknownTables } from '../../daemon.ts';
import type { DaemonConfig } from '../daemon-config.ts';
import { DEFAULTS } from '../daemon-config.ts';
import { readConfigFiles } from '../files.ts';
import { type Flags, parseConfig } from '../load.ts';
import { nameOfKeys, type Problem } from '../reader.ts';
import { locate, type Source } from './locate.ts';
import { pluginProblems } from './plugin-problems.ts';

/** One line for people: where it is, as far as that can be told, and what is wrong. */
export interface Finding {
  /** Whether the daemon would refuse to start. */
  readonly isError: boolean;
  readonly text: string;
}

export interface CheckedConfig {
  readonly findings: readonly Finding[];
  /** What would start. Undefined if nothing would. */
  readonly plan: Plan | undefined;
}

export interface Plan {
  readonly config: DaemonConfig;
  /** In an order in which each comes after what it needs. */
  readonly plugins: ReadonlyArray<Pick<PluginStatus, 'type' | 'id'>>;
}

/** Reads a config as the daemon would, and goes on where that would stop at the first thing that is wrong. Starts nothing. */
export async function checkConfig(flags: Flags): Promise<CheckedConfig> {
  const file = flags.config ?? DEFAULTS.config;
  const sources: Source[] = [];
  const findings: Finding[] = [];
  const error = (text: string) => findings.push({ isError: true, text });
  const told = new Set<string>();
  const at = ({ keys, reason }: Problem) => {
    const place = locate(sources, keys);
    const where = place === undefined ? file : `${place.path}:${place.line}`;
    return `${where}: ${nameOfKeys(keys)}: ${reason}`;
  };
  const report = (problem: Problem) => {
    // A key that is wrong counts as absent, which may be wrong as well.
    const key = nameOfKeys(problem.keys);
    if (!told.has(key)) error(at(problem));
    told.add(key);
  };
  try {
    const table = await readConfigFiles(file, flags.config !== undefined, (source) => sources.push(source));
    const config = parseConfig(table, file, flags, report);
    for (const text of config.warnings) findings.push({ isError: false, text });
    const { plugins, warnings, resolve } = await planOf(config);
    for (const problem of pluginProblems(plugins, config.plugins)) report(problem);
    for (const name of unknownTables(plugins, config)) {
      const reason = 'there is no such plugin here; ignored';
      findings.push({ isError: false, text: at({ keys: ['plugins', name], reason }) });
    }
    for (const text of warnings) findings.push({ isError: false, text });
    if (findings.some(({ isError }) => isError)) return { findings, plan: undefined };
    const order = resolve().map(({ slot, id }) => ({ type: slot.type, id }));
    return { findings, plan: { config, plugins: order } };
  } catch (e) {
    if (!Fault.is(e)) throw e;
    error(reasonOf(e));
    return { findings, plan: undefined };
  }
}
