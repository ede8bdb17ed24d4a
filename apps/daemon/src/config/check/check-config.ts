import { Fault, type PluginStatus, reasonOf } from '@stowage/core';
import { planOf, unknownTables } from '../../daemon.ts';
import { type DaemonConfig, DEFAULTS, METRICS_TABLE } from '../daemon-config.ts';
import { readConfigFiles } from '../files.ts';
import { type Flags, parseConfig } from '../load.ts';
import { nameOfKeys, type Problem } from '../reader.ts';
import { locate, type Source } from './locate.ts';
import { pluginProblems } from './plugin-problems.ts';

/** What tables of plugins may be called at the top of a file. */
const SHORT: Readonly<Record<string, string>> = { [METRICS_TABLE]: 'metrics' };
/** More than any file has, to order what is found by file and line. */
const MOST_LINES = 1e7;
const IGNORED = 'has no meaning to stowaged and is ignored';

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
  const placed: Array<Finding & { readonly order: number }> = [];
  const all = (): Finding[] => {
    const inOrder = placed.toSorted((a, b) => a.order - b.order);
    return [...inOrder.map(({ isError, text }) => ({ isError, text })), ...findings];
  };
  const told = new Set<string>();
  const tell = ({ keys, reason }: Problem, isError: boolean) => {
    const written = asWritten(sources, keys);
    const place = locate(sources, written) ?? locate(sources, written.slice(0, -1));
    const where = place === undefined ? file : `${place.path}:${place.line}`;
    const source = sources.findIndex(({ path }) => path === place?.path);
    const order = source * MOST_LINES + (place?.line ?? 0);
    placed.push({ isError, text: `${where}: ${nameOfKeys(written)}: ${reason}`, order });
  };
  const report = (problem: Problem) => {
    // A key that is wrong counts as absent, which may be wrong as well.
    const key = nameOfKeys(problem.keys);
    if (!told.has(key)) tell(problem, true);
    told.add(key);
  };
  try {
    const table = await readConfigFiles(file, flags.config !== undefined, (source) => sources.push(source));
    const config = parseConfig(table, file, flags, report);
    for (const keys of config.ignored) tell({ keys, reason: IGNORED }, false);
    const { plugins, warnings, resolve } = await planOf(config);
    for (const problem of pluginProblems(plugins, config.plugins)) report(problem);
    for (const name of unknownTables(plugins, config))
      tell({ keys: ['plugins', name], reason: 'there is no such plugin here; ignored' }, false);
    for (const text of warnings) findings.push({ isError: false, text });
    if (placed.some(({ isError }) => isError)) return { findings: all(), plan: undefined };
    const order = resolve().map(({ slot, id }) => ({ type: slot.type, id }));
    return { findings: all(), plan: { config, plugins: order } };
  } catch (e) {
    if (!Fault.is(e)) throw e;
    findings.push({ isError: true, text: reasonOf(e) });
    return { findings: all(), plan: undefined };
  }
}

/** Tables of plugins that may stand at the top too are told where they stand. */
function asWritten(sources: readonly Source[], keys: readonly string[]): readonly string[] {
  const [first, second = '', ...rest] = keys;
  const short = first === 'plugins' ? SHORT[second] : undefined;
  if (short === undefined || locate(sources, keys) !== undefined) return keys;
  return [short, ...rest];
}
