import type { Logger } from '@stowage/core';
import { findProgram } from './find-program.ts';
import type { StreamProcessor } from './stream-processors.ts';

/**
 * Gives processors that have but the name of a program its path. One whose program is not installed is left out, and the
 * log says so: containerd's own default config names programs that few have.
 */
export async function locateProcessors(
  processors: readonly StreamProcessor[],
  log: Logger,
): Promise<readonly StreamProcessor[]> {
  const located: StreamProcessor[] = [];
  for (const processor of processors) {
    const { id, path: name, accepts } = processor;
    const path = name.includes('/') ? name : await findProgram(name);
    if (path !== undefined) located.push({ ...processor, path });
    else
      log.info({ id, program: name, accepts }, 'a stream processor is left out: its program is not in PATH');
  }
  return located;
}
