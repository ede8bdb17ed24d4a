import { createHash } from 'node:crypto';
import type { CreateTask } from '@stowage/runtime';
import { readBundleSpec } from '../supervisor/bundle-spec.ts';

/** How many supervisors there are: one for all containers, or one for each namespace or pod. */
export type Grouping = 'one' | 'namespace' | 'pod';

export const GROUPINGS: readonly Grouping[] = ['one', 'namespace', 'pod'];

/** What names the pod of a container; of containerd, which groups by the same, in this order. */
const POD_ANNOTATIONS = ['io.containerd.runc.v2.group', 'io.kubernetes.cri.sandbox-id'];
/** Two groups that come to the same key share a supervisor, which does no harm. */
const KEY_CHARS = 8;

/** Containers that have a supervisor of their own. */
export interface Group {
  /** Part of a name; empty for all containers. */
  readonly key: string;
  /** For people to read. */
  readonly label: string;
}

const ALL: Group = { key: '', label: '' };

/**
 * The group of a container that is to be made. Of the containers of no pod each is one.
 *
 * @throws Fault `invalid_argument` if its bundle has to be read, and holds no spec.
 */
export async function groupOf(
  grouping: Grouping,
  namespace: string,
  { id, bundle }: Pick<CreateTask, 'id' | 'bundle'>,
): Promise<Group> {
  if (grouping === 'one') return ALL;
  if (grouping === 'namespace') return group(`namespace ${namespace}`);
  const { annotations } = await readBundleSpec(bundle);
  const pod = POD_ANNOTATIONS.map((name) => annotations[name]).find(Boolean);
  return group(pod === undefined ? `container ${namespace}/${id}` : `pod ${namespace}/${pod}`);
}

/** Names are longer than what is left of a socket's path. */
function group(label: string): Group {
  return { key: createHash('sha256').update(label).digest('hex').slice(0, KEY_CHARS), label };
}

/** The name of the supervisor that a group has of a build. */
export function supervisorName(build: string, { key }: Pick<Group, 'key'>): string {
  return key === '' ? build : `${build}@${key}`;
}

export function parseSupervisorName(name: string): { readonly build: string; readonly key: string } {
  const at = name.lastIndexOf('@');
  return at < 0 ? { build: name, key: '' } : { build: name.slice(0, at), key: name.slice(at + 1) };
}
