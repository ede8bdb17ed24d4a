import { run } from '@stowage/testing';

/** Why no containers can be run on this machine; undefined if they can. */
export async function runtimeMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root, to run containers';
  const runc = await run('runc', ['--version']).catch(() => undefined);
  if (runc?.code !== 0) return 'no runc: install runc';
  const busybox = await run('/bin/busybox', ['true']).catch(() => undefined);
  return busybox?.code === 0 ? undefined : 'no static busybox: install busybox-static';
}
