import { open } from 'node:fs/promises';
import koffi from 'koffi';

/** _IOR('X', 125, __u32), of xfs once, and of ext4 (fs/ext4/ext4.h EXT4_IOC_SHUTDOWN). */
const FS_IOC_SHUTDOWN = 0x8004587d;
/** Nothing that is not on the disk yet gets there any more, the journal included. */
const NOLOGFLUSH = 2;

/** Cuts the power of a file system: what was not synced is lost, and all calls fail with EIO until it is mounted anew. */
export async function cutPower(path: string): Promise<void> {
  const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, ulong request, void *arg)');
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(NOLOGFLUSH);
  await using directory = await open(path, 'r');
  if (ioctl(directory.fd, FS_IOC_SHUTDOWN, flags) !== 0)
    throw new Error(`cut power of ${path}: errno ${koffi.errno()}`);
}
