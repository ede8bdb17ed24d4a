import { Fault, quote } from '@stowage/core';
import type { SpecOption } from './compose.ts';
import { changeLinux } from './linux-options.ts';

/**
 * Where the container's control group is: an absolute path below the hierarchy's root, or `slice:prefix:name` for
 * systemd.
 *
 * @throws Fault `invalid_argument` for a relative path and one that leaves the hierarchy.
 */
export function withCgroupPath(path: string): SpecOption {
  checkPath(path);
  return (spec) => changeLinux(spec, { cgroupsPath: path });
}

/** The container's group, by its name as it is, below another. */
export function withParentCgroup(parent: string): SpecOption {
  if (parent.includes(':'))
    throw new Fault('invalid_argument', `parent cgroup ${quote(parent)} must be a path`);
  checkPath(parent);
  return (spec) => {
    const name = spec.linux?.cgroupsPath?.split('/').at(-1);
    if (name === undefined || name === '')
      throw new Fault('failed_precondition', `parent cgroup ${quote(parent)}: the spec names no cgroup`);
    return changeLinux(spec, { cgroupsPath: `${parent.replace(/\/+$/, '')}/${name}` });
  };
}

function checkPath(path: string): void {
  const parts = path.split('/');
  const systemd = /^[\w.-]+\.slice:[\w.-]*:[\w.-]+$/.test(path);
  const fits = systemd || (path.startsWith('/') && !parts.some((p) => p === '.' || p === '..'));
  if (fits && !/\p{Cc}/u.test(path) && path.length <= 4096) return;
  throw new Fault('invalid_argument', `cgroup ${quote(path)} must be an absolute path or slice:prefix:name`);
}
