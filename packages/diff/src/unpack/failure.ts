import { EXHAUSTED, Fault, type FaultKind } from '@stowage/core';
import { quoted, type TarEntry } from '../tar/reader.ts';

/** What is wrong when the kernel refuses; anything else is not the archive's doing. */
const KINDS: Readonly<Record<string, FaultKind>> = {
  ...EXHAUSTED,
  EROFS: 'failed_precondition',
  EIO: 'data_loss',
  EUCLEAN: 'data_loss',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ENAMETOOLONG: 'invalid_argument',
  ENOTDIR: 'invalid_argument',
  EISDIR: 'invalid_argument',
  ELOOP: 'invalid_argument',
  ENOENT: 'invalid_argument',
  EEXIST: 'invalid_argument',
  EINVAL: 'invalid_argument',
  EMLINK: 'invalid_argument',
  EFBIG: 'invalid_argument',
  E2BIG: 'invalid_argument',
  ERANGE: 'invalid_argument',
};

/** A failure at one entry, told by the entry's name; a failure that is none of an entry's passes as it is. */
export function entryFailure(e: unknown, entry: TarEntry): unknown {
  const { code, message } = e as { code?: unknown; message?: string };
  const what = `unpack ${entry.kind} ${quoted(entry.name)}`;
  if (Fault.is(e)) return new Fault(e.kind, `${what}: ${e.message}`, { cause: e });
  const kind = typeof code === 'string' ? KINDS[code] : undefined;
  return kind === undefined ? e : new Fault(kind, `${what}: ${message}`, { cause: e });
}
