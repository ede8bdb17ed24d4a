import { Fault, quote } from '@stowage/core';

type Table = Readonly<Record<string, unknown>>;

export interface RouterConfig {
  /** Plugin ids by names of runtimes that these shall serve, whoever else would. */
  readonly runtimes: Readonly<Record<string, string>>;
}

/** `[plugins."io.containerd.runtime.v2.task"]`, also as a printed config of containerd's has it. */
export function routerConfig({ runtimes = {}, ...table }: Table): RouterConfig {
  asPrinted(
    table,
    {
      platforms: (value) => Array.isArray(value),
      sched_core: (value) => value === false,
    },
    'there is "runtimes"',
  );
  if (typeof runtimes !== 'object' || runtimes === null || Array.isArray(runtimes))
    throw new Fault('invalid_argument', '"runtimes": expected a table of runtime names and plugin ids');
  for (const [name, id] of Object.entries(runtimes)) {
    if (typeof id !== 'string' || id === '')
      throw new Fault('invalid_argument', `"runtimes": ${quote(name)}: expected the id of a plugin`);
  }
  return { runtimes: runtimes as Readonly<Record<string, string>> };
}

/**
 * The runtimes that a config chose by name.
 *
 * @throws Fault `invalid_argument` for the id of none, naming those there are.
 */
export function chosenRuntimes<T>(
  { runtimes }: RouterConfig,
  there: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  const chosen = new Map<string, T>();
  for (const [name, id] of Object.entries(runtimes)) {
    const runtime = there.get(id);
    if (runtime === undefined) {
      const known = [...there.keys()].map((one) => quote(one)).join(', ') || 'none';
      const reason = `there is no runtime ${quote(id)}; there are ${known}`;
      throw new Fault('invalid_argument', `"runtimes": ${quote(name)}: ${reason}`);
    }
    chosen.set(name, runtime);
  }
  return chosen;
}

/** `[plugins."io.containerd.service.v1.tasks-service"]`: likewise. */
export function serviceConfig(table: Table): Record<string, never> {
  return asPrinted(table, {
    blockio_config_file: (value) => value === '',
    rdt_config_file: (value) => value === '',
  });
}

function asPrinted(
  table: Table,
  fits: Readonly<Record<string, (value: unknown) => boolean>>,
  others = 'this plugin has no settings',
): Record<string, never> {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(fits, key))
      throw new Fault('invalid_argument', `${quote(key)}: unknown key, ${others}`);
    if (!fits[key]?.(value))
      throw new Fault('invalid_argument', `${quote(key)}: is not supported; leave it at its default or out`);
  }
  return {};
}
