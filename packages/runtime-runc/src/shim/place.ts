import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Holds a directory for each containerd, unless `STOWAGE_SHIM_STATE` names another. */
const BASE = '/run/stowage-shim';

/**
 * The state directory of the supervisor that one containerd's containers have.
 *
 * @param containerd - address of its ttrpc socket.
 */
export function shimState(containerd: string, env: NodeJS.ProcessEnv): string {
  const name = createHash('sha256').update(containerd).digest('hex').slice(0, 12);
  return join(env.STOWAGE_SHIM_STATE || BASE, name);
}

/** Holds the address of the supervisor that serves, and may be left over from one that did. */
export function addressFile(state: string): string {
  return join(state, 'address');
}
