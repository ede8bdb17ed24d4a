/** Things of a daemon that have names. */
export type NameKind =
  | 'containers'
  | 'container paths'
  | 'images'
  | 'snapshots'
  | 'namespaces'
  | 'operations'
  | 'leases'
  | 'blobs';

/** Arguments that are names of things, by the command and its own name for them. */
const BY_PLACE: Readonly<Record<string, readonly NameKind[]>> = {
  'stowage inspect name': ['containers', 'images'],
  'stowage cp from': ['container paths'],
  'stowage cp to': ['container paths'],
  'stowage commit image': [],
  'gc explain object': ['containers', 'images'],
  'gc freed-by object': ['containers', 'images'],
  'namespace label name': ['namespaces'],
  'namespace rm name': ['namespaces'],
  'snapshot usage key': ['snapshots'],
  'snapshot rm key': ['snapshots'],
  'lease rm id': ['leases'],
  'operations watch id': ['operations'],
  'operations cancel id': ['operations'],
};

const BY_NAME: Readonly<Record<string, readonly NameKind[]>> = {
  container: ['containers'],
  image: ['images'],
  digest: ['blobs'],
};

/** @param path - the command's name behind that of what it belongs to: `gc explain`, `stowage ps`. */
export function kindsOf(path: string, argument: string): readonly NameKind[] {
  return BY_PLACE[`${path} ${argument}`] ?? BY_NAME[argument] ?? [];
}
