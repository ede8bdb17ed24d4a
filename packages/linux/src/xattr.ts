import { checked } from './errors.ts';
import { c } from './libc.ts';
import { cstring, type Path } from './path.ts';

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** A path, whose last link is not followed, or a descriptor. */
export type XattrSubject = Path | number;

export interface SetXattrOptions {
  /** `create` fails with EEXIST on one that is there, `replace` with ENODATA on one that is not. */
  readonly only?: 'create' | 'replace';
}

/** The value of an extended attribute, as bytes. ENODATA if absent. Never follows a link. */
export function getXattr(subject: XattrSubject, name: Path): Buffer {
  const key = cstring(name);
  const path = typeof subject === 'number' ? undefined : cstring(subject);
  const call = (buffer: Buffer | null): number => {
    const size = buffer?.length ?? 0;
    const result =
      path === undefined
        ? c.fgetxattr(subject as number, key, buffer, size)
        : c.lgetxattr(path, key, buffer, size);
    return checked(
      result,
      path === undefined ? 'fgetxattr' : 'lgetxattr',
      `get xattr ${shown(name)} of`,
      subject,
    );
  };
  return sized(call);
}

/** Sets an extended attribute to these bytes. Never follows a link. */
export function setXattr(
  subject: XattrSubject,
  name: Path,
  value: Uint8Array,
  { only }: SetXattrOptions = {},
): void {
  const flags = only === 'create' ? XATTR_CREATE : only === 'replace' ? XATTR_REPLACE : 0;
  const key = cstring(name);
  const operation = `set xattr ${shown(name)} of`;
  // koffi hands a zero-length array over as NULL, which is what the call takes for an empty value.
  if (typeof subject === 'number') {
    checked(c.fsetxattr(subject, key, value, value.length, flags), 'fsetxattr', operation, subject);
  } else {
    checked(c.lsetxattr(cstring(subject), key, value, value.length, flags), 'lsetxattr', operation, subject);
  }
}

/** Names of all extended attributes the caller may see. Names are decoded as UTF-8. */
export function listXattrs(subject: XattrSubject): string[] {
  const path = typeof subject === 'number' ? undefined : cstring(subject);
  const call = (buffer: Buffer | null): number => {
    const size = buffer?.length ?? 0;
    const result =
      path === undefined ? c.flistxattr(subject as number, buffer, size) : c.llistxattr(path, buffer, size);
    return checked(result, path === undefined ? 'flistxattr' : 'llistxattr', 'list xattrs of', subject);
  };
  return sized(call)
    .toString()
    .split('\0')
    .filter((name) => name !== '');
}

/** Removes an extended attribute. ENODATA if absent. Never follows a link. */
export function removeXattr(subject: XattrSubject, name: Path): void {
  const key = cstring(name);
  const operation = `remove xattr ${shown(name)} of`;
  if (typeof subject === 'number') {
    checked(c.fremovexattr(subject, key), 'fremovexattr', operation, subject);
  } else {
    checked(c.lremovexattr(cstring(subject), key), 'lremovexattr', operation, subject);
  }
}

const shown = (name: Path): string => (typeof name === 'string' ? name : Buffer.from(name).toString());

/** Asks for the size, then for the bytes, again if it grew in between. */
function sized(call: (buffer: Buffer | null) => number): Buffer {
  for (;;) {
    const size = call(null);
    if (size === 0) return Buffer.alloc(0);
    const buffer = Buffer.alloc(size);
    try {
      return buffer.subarray(0, call(buffer));
    } catch (e) {
      if ((e as { code?: string }).code !== 'ERANGE') throw e;
    }
  }
}
