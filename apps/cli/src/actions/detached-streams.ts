import { mkdir } from 'node:fs/promises';
import type { IoOptions } from '@stowage/client';
import type { Labels } from '@stowage/core';
import { CLI_LABEL } from '../container-labels.ts';

/** The streams of a container that nobody stays with, as its labels have them. */
export async function detachedStreams(dir: string, labels: Labels, terminal: boolean): Promise<IoOptions> {
  const uri = labels[CLI_LABEL.log];
  const hasInput = labels[CLI_LABEL.stdin] === 'open';
  if (uri !== undefined || hasInput) await mkdir(dir, { recursive: true, mode: 0o700 });
  const log = uri === undefined ? undefined : new URL(uri);
  return {
    ...{ terminal, stdout: log, stderr: terminal ? undefined : log },
    ...(hasInput && { stdin: 'open', fifoDir: dir }),
  };
}
