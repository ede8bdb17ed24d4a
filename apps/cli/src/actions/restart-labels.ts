import type { Client } from '@stowage/client';
import { type CallOptions, Fault, type Labels, quote, unlessGone } from '@stowage/core';
import type { RunFlags } from '../commands/run-flags.ts';
import { CLI_LABEL } from '../container-labels.ts';

/** What containerd's restart plugin looks at. @see containerd core/runtime/restart/restart.go */
export const RESTART_LABEL = {
  status: 'containerd.io/restart.status',
  policy: 'containerd.io/restart.policy',
  logUri: 'containerd.io/restart.loguri',
  explicitlyStopped: 'containerd.io/restart.explicitly-stopped',
} as const;

/**
 * Has the daemon start a container again when it ends.
 *
 * @throws Fault `unimplemented` if it does no such thing; a label that nobody heeds would be a broken promise.
 */
export async function restartLabels(
  { services }: Client,
  { restart, rm }: Pick<RunFlags, 'restart' | 'rm'>,
  labels: Labels,
  options: CallOptions,
): Promise<Labels> {
  if (restart === undefined || restart === 'no') return {};
  if (!/^(always|unless-stopped|on-failure(:\d{1,9})?)$/.test(restart)) {
    const known = 'no, always, unless-stopped, on-failure and on-failure:N are known';
    throw new Fault('invalid_argument', `--restart ${quote(restart)}: ${known}`);
  }
  if (rm) throw new Fault('invalid_argument', '--restart goes not with --rm');
  const plugins = await services.introspection.plugins(['id==restart'], options);
  if (plugins.length === 0) {
    const reason = 'this daemon starts nothing again; let systemd run the command';
    throw new Fault('unimplemented', `--restart ${restart}: ${reason}`);
  }
  const log = labels[CLI_LABEL.log];
  return {
    ...{ [RESTART_LABEL.status]: 'running', [RESTART_LABEL.policy]: restart },
    ...(log !== undefined && { [RESTART_LABEL.logUri]: log }),
  };
}

/** Tells the restart plugin, if it looks at a container, that it is to run. */
export function meantToRun(client: Client, id: string, options?: CallOptions): Promise<void> {
  return noted(
    client,
    id,
    { [RESTART_LABEL.status]: 'running', [RESTART_LABEL.explicitlyStopped]: 'false' },
    options,
  );
}

/** … that it is being stopped by somebody: not yet that it is to be, which the plugin would see to by force. */
export function beingStopped(client: Client, id: string, options?: CallOptions): Promise<void> {
  return noted(client, id, { [RESTART_LABEL.explicitlyStopped]: 'true' }, options);
}

/** … that it is to stay as it is, now that it has ended. */
export function meantToRest(client: Client, id: string, options?: CallOptions): Promise<void> {
  return noted(client, id, { [RESTART_LABEL.status]: 'stopped' }, options);
}

async function noted({ services }: Client, id: string, labels: Labels, options?: CallOptions): Promise<void> {
  const container = await unlessGone(services.containers.get(id, options));
  if (container === undefined || !(RESTART_LABEL.status in container.labels)) return;
  const paths = Object.keys(labels).map((name) => `labels.${name}`);
  await services.containers.update(
    { ...container, labels: { ...container.labels, ...labels } },
    paths,
    options,
  );
}
