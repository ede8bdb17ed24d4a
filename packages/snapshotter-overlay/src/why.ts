import { fsType } from '@stowage/linux';

/**
 * Says for people why the kernel mounts no overlay, and what to do about it.
 *
 * @param code - What the mount failed with.
 * @param reason - What the kernel said.
 * @param type - Number of the file system at the root, as statfs(2) has it.
 */
export function why(code: string | undefined, reason: string, type: number): string {
  switch (code) {
    case 'ENODEV':
      return 'the kernel has no overlay file system; load it (modprobe overlay) or use the native snapshotter';
    case 'EPERM':
    case 'EACCES':
      return 'mounting is not allowed; run as root with CAP_SYS_ADMIN, or in a user namespace on kernel 5.11 or later';
    case 'EINVAL':
    case 'EOPNOTSUPP':
      return `the file system there (${nameOf(type)}) can't hold upper directories; ${instead(type)} (${reason})`;
    default:
      return reason;
  }
}

function nameOf(type: number): string {
  return Object.entries(fsType).find(([, number]) => number === type)?.[0] ?? `0x${type.toString(16)}`;
}

function instead(type: number): string {
  if (type === fsType.overlay)
    return 'it is itself one, as a container has: mount a volume at root_path, or use the native snapshotter';
  return 'choose another root_path or the native snapshotter';
}
