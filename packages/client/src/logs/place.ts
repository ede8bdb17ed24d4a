import { fileURLToPath } from 'node:url';

/** URI of the log that a container's output goes to, on containers that `stowage` makes. */
export const LOG_LABEL = 'stowage.cli/log';

/** The path of a log, of a URI such as `file:///var/log/x?format=cri`; undefined for what is none. */
export function logPath(uri: string | undefined): string | undefined {
  if (uri === undefined || !URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  return url.protocol === 'file:' ? fileURLToPath(`file://${url.pathname}`) : undefined;
}
