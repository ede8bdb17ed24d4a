import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes names that were added to, moved in or removed from a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and NTFS journals names by itself.
  if (process.platform === 'win32') return;
  await using directory = await open(path, 'r');
  await directory.sync();
}

/**
 * Replaces a small file, or makes it with mode 0600. When this settles, the new text survives a power cut; a crash before
 * leaves the old or the new one. For one writer at a time: it goes through `<path>.new`, which a crash may leave.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  {
    await using file = await open(draft, 'w', 0o600);
    await file.writeFile(text);
    await file.sync();
  }
  await rename(draft, path);
  await syncDirectory(dirname(path));
}
