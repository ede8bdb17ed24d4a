import { Fault, quote } from '@stowage/core';

type Table = Readonly<Record<string, unknown>>;

/** `[plugins."io.containerd.runtime.v2.task"]`: nothing to set, but a printed config of containerd's is read. */
export function routerConfig(table: Table): Record<string, never> {
  return asPrinted(table, {
    platforms: (value) => Array.isArray(value),
    sched_core: (value) => value === false,
  });
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
): Record<string, never> {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(fits, key))
      throw new Fault('invalid_argument', `${quote(key)}: unknown key, this plugin has no settings`);
    if (!fits[key]?.(value))
      throw new Fault('invalid_argument', `${quote(key)}: is not supported; leave it at its default or out`);
  }
  return {};
}
