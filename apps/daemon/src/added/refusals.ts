import { Fault, quote } from '@stowage/core';

// What is refused and what to do instead. `what` is the operation and its subject; `file` is the daemon's config file.

export function atStartOnly(what: string, name: string, type: string, file: string): Fault {
  const remedy = `put it in ${file} as [proxy_plugins.${name}] and restart the daemon`;
  return new Fault('failed_precondition', `${what}: type ${type} is taken at the start only; ${remedy}`);
}

/** Only a process that tells its snapshotters apart by name can have two, and whether it does can't be found out. */
export function shared(what: string, name: string, sharer: string, file: string): Fault {
  const why = `plugin ${quote(sharer)} is at this address already, and both would delete what is the other's`;
  const remedy = `if they are two snapshotters, put it in ${file} as [proxy_plugins.${name}]`;
  return new Fault('failed_precondition', `${what}: ${why}; ${remedy}`);
}

export function notAdded(what: string, name: string, isConfigured: boolean, file: string): Fault {
  if (!isConfigured) return new Fault('not_found', `${what}: no plugin of this name was added`);
  const remedy = `take [proxy_plugins.${name}] out of ${file} and restart the daemon`;
  return new Fault('failed_precondition', `${what}: it was not added, it is in the config; ${remedy}`);
}

/** Puts what is done and to whom before what went wrong. */
export async function about(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (e) {
    throw Fault.is(e) ? new Fault(e.kind, `${what}: ${e.message}`, { cause: e }) : e;
  }
}
