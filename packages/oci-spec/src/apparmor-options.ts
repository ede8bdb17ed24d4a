import { readFile } from 'node:fs/promises';
import { Fault, quote, unlessAbsent } from '@stowage/core';
import type { SpecOption } from './compose.ts';
import { changeProcess } from './process-options.ts';

/** Whether the kernel confines by AppArmor. */
export type ApparmorProbe = () => Promise<boolean>;

/** Asks this machine's kernel. Never, where there is no Linux. */
export async function hostHasApparmor(): Promise<boolean> {
  const enabled = await unlessAbsent(readFile('/sys/module/apparmor/parameters/enabled', 'utf8'));
  return enabled?.startsWith('Y') ?? false;
}

/**
 * Confines the process by an AppArmor profile that is loaded already; `unconfined` by none.
 *
 * @param probe - asked when the option is applied; by default {@link hostHasApparmor}, which is right where the
 *   container will run on this machine.
 * @throws Fault `invalid_argument` for a name that is none; `failed_precondition` where the kernel has no AppArmor: a
 *   confinement that was asked for is never left out silently.
 */
export function withApparmor(profile: string, probe: ApparmorProbe = hostHasApparmor): SpecOption {
  if (!/^[^\s\p{Cc}]{1,4096}$/u.test(profile))
    throw new Fault('invalid_argument', `AppArmor profile ${quote(profile)} must be a name without blanks`);
  return async (spec) => {
    if (profile === 'unconfined') return changeProcess(spec, { apparmorProfile: undefined });
    if (!(await probe()))
      throw new Fault(
        'failed_precondition',
        `AppArmor profile ${quote(profile)}: the kernel has no AppArmor`,
      );
    return changeProcess(spec, { apparmorProfile: profile });
  };
}
