import { Fault, type Mount, quote } from '@stowage/core';
import { isAbsolutePlain } from './directories.ts';

/** A file with an empty filesystem in it, to be made before a mount unless it is there. */
export interface WantedFilesystem {
  readonly path: string;
  readonly sizeBytes: number;
  readonly type: FilesystemType;
  /** Of the filesystem; a random one unless told. */
  readonly uuid: string | undefined;
}

export type FilesystemType = (typeof TYPES)[number];

const TYPES = ['ext4', 'ext3', 'ext2', 'xfs'] as const;
const PREFIX = 'X-containerd.mkfs.';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** As Docker writes sizes: `100MiB`, `1.5g`, `1048576`; units count in 1024s whether or not they have an `i`. */
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgtp])(?:i?b)?|b)?$/i;

/**
 * Takes options `X-containerd.mkfs.size=`, `.fs=` (ext4 unless told) and `.uuid=` out of a mount whose source is to be
 * such a file.
 *
 * @throws Fault `invalid_argument` for one that is malformed or unknown, and where there is no size.
 * @see containerd core/mount/manager/mkfs.go
 */
export function takeFilesystem(mount: Mount): {
  readonly mount: Mount;
  readonly filesystem: WantedFilesystem;
} {
  const options: string[] = [];
  let sizeBytes: number | undefined;
  let type: FilesystemType = 'ext4';
  let uuid: string | undefined;
  for (const option of mount.options) {
    if (!option.startsWith(PREFIX)) {
      options.push(option);
      continue;
    }
    const equals = option.indexOf('=');
    const value = equals < 0 ? '' : option.slice(equals + 1);
    switch (option.slice(PREFIX.length, equals < 0 ? undefined : equals)) {
      case 'size':
        sizeBytes = sizeOf(value, option);
        break;
      case 'fs':
        type = typeOf(value, option);
        break;
      case 'uuid':
        if (!UUID.test(value)) throw malformed(option, 'a UUID');
        uuid = value;
        break;
      default:
        throw malformed(option, 'size, fs or uuid');
    }
  }
  if (sizeBytes === undefined)
    throw new Fault(
      'invalid_argument',
      `make filesystem ${quote(mount.source)}: option ${PREFIX}size is missing`,
    );
  const { source: path } = mount;
  if (!isAbsolutePlain(path))
    throw new Fault(
      'invalid_argument',
      `make filesystem ${quote(path)}: expected an absolute path without ..`,
    );
  return { mount: { ...mount, options }, filesystem: { path, sizeBytes, type, uuid } };
}

function sizeOf(text: string, option: string): number {
  const [, number = '', unit = ''] = SIZE.exec(text) ?? [];
  const size = Math.floor(Number(number) * 1024 ** ' kmgtp'.indexOf(unit === '' ? ' ' : unit.toLowerCase()));
  if (number === '' || size < 1 || !Number.isSafeInteger(size))
    throw malformed(option, 'a size such as 100MiB');
  return size;
}

function typeOf(text: string, option: string): FilesystemType {
  const type = TYPES.find((one) => one === text);
  if (type === undefined) throw malformed(option, TYPES.join(', '));
  return type;
}

function malformed(option: string, expected: string): Fault {
  return new Fault('invalid_argument', `mount option ${quote(option)}: expected ${expected}`);
}
