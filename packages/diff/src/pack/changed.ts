import { Fault } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import { quoted } from '../tar/reader.ts';

/** Somebody writes to the tree while it is packed: what was to be read is not what was announced. */
export const changed = (path: string, cause?: unknown): Fault =>
  new Fault('failed_precondition', `diff ${quoted(path)}: it changed while it was read`, { cause });

/** Opens what was there a moment ago. */
export function openSeen(path: string, open: () => number): number {
  try {
    return open();
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'ENXIO')) throw changed(path, e);
    throw e;
  }
}
