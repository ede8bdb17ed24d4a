import { Fault, type Plugin } from '@stowage/core';
import { nameOf } from '@stowage/engine';
import type { Problem, Table } from '../reader.ts';

/** What plugins say of their tables: all of it, where each by itself would stop at the first. */
export function pluginProblems(
  plugins: readonly Plugin[],
  tables: Readonly<Record<string, Table>>,
): Problem[] {
  return plugins.flatMap((plugin) => {
    const table = tables[nameOf(plugin)];
    if (table === undefined || plugin.config === undefined) return [];
    const whole = refusalOf(plugin, table);
    if (whole === undefined) return [];
    const at = ['plugins', nameOf(plugin)];
    const each = Object.entries(table).flatMap(([key, value]): Problem[] => {
      const reason = refusalOf(plugin, { [key]: value });
      return reason === undefined ? [] : [{ keys: [...at, key], reason: withoutKey(reason, key) }];
    });
    // Settings that are wrong together only.
    return each.length > 0 ? each : [{ keys: at, reason: whole }];
  });
}

function refusalOf(plugin: Plugin, table: Table): string | undefined {
  try {
    plugin.config?.(table);
    return undefined;
  } catch (e) {
    if (Fault.is(e)) return e.message;
    throw e;
  }
}

/** They name the key first, which is told already. */
function withoutKey(reason: string, key: string): string {
  for (const prefix of [`${JSON.stringify(key)}: `, `${key}: `])
    if (reason.startsWith(prefix)) return reason.slice(prefix.length);
  return reason;
}
