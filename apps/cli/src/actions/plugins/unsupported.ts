import { Fault } from '@stowage/core';

/** Says what to do where the daemon can't be changed while it runs, as containerd can't. */
export async function ifSupported<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
    const message = 'this daemon takes plugins at its start only: change its config file and restart it';
    throw new Fault('unimplemented', message, { cause: e });
  }
}
