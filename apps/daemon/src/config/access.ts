import type { TableReader } from './reader.ts';

/** Whose namespaces are which: `uid:1000`, `gid:998`, `cn:ops`, each with names, or `*` for all and what is the daemon's own. */
export type AccessConfig = ReadonlyMap<string, readonly string[]>;

const WHO = /^(uid|gid):\d{1,10}$|^cn:.+$/;

/** `[access]`. Undefined where there is none: whoever may connect may call anything. */
export function accessConfig(access: TableReader | undefined): AccessConfig | undefined {
  if (access === undefined) return undefined;
  const rules = new Map<string, readonly string[]>();
  for (const who of access.keys()) {
    const namespaces = access.strings(who) ?? [];
    if (!WHO.test(who)) access.refuse(who, 'expected "uid:<number>", "gid:<number>" or "cn:<common name>"');
    else rules.set(who, namespaces);
  }
  return rules;
}
