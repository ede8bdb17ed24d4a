import { useState } from 'preact/hooks';
import type { Deeds } from '../deeds.ts';
import { html, type Shown } from '../html.ts';
import type { Task } from '../messages.ts';
import { linkTo } from '../route.ts';
import { call } from '../rpc.ts';
import { isAlive } from './containers.ts';

interface ContainerButtonsProps {
  readonly id: string;
  readonly task: Task | undefined;
  readonly namespace: string;
  readonly deeds: Deeds;
}

const SIGKILL = 9;

/** What can be done with a container. All but a start asks first. */
export function ContainerButtons({ id, task, namespace, deeds }: ContainerButtonsProps): Shown {
  const [isBusy, setBusy] = useState(false);
  const options = { namespace };
  const host =
    (name: string, input: object = {}) =>
    () =>
      call<object>(`host/${name}`, { id, ...input }, options);
  const kill = () =>
    call<object>(
      'containerd.services.tasks.v1.Tasks/Kill',
      { containerId: id, signal: SIGKILL, all: true },
      options,
    );
  const does = (name: string, done: string, work: () => Promise<object>, warning?: string) => async () => {
    const question = { title: `${name} ${id}?`, text: warning ?? '', answer: name };
    if (warning !== undefined && !(await deeds.ask(question))) return;
    setBusy(true);
    await deeds.attempt(`${name} ${id}`, async () => {
      await work();
      return `${id} ${done}`;
    });
    setBusy(false);
  };
  const button = (name: string, onClick: () => Promise<void>, isDanger = false) =>
    html`<button type="button" class=${isDanger ? 'danger' : ''} disabled=${isBusy} aria-label=${`${name} ${id}`} onClick=${onClick}>${name}</button>`;
  const forGood = 'Its file system with all that was changed in it, and its log, are gone for good.';
  if (!isAlive(task))
    return html`<div class="actions">
      ${button('Start', does('Start', 'was started', host('Start')))}
      ${button('Remove', does('Remove', 'was removed', host('Remove'), forGood), true)}
      <a class="button" href=${linkTo(namespace, 'containers', id, 'logs')} aria-label=${`Logs of ${id}`}>Logs</a>
    </div>`;
  const stops = 'It is asked to end, and killed if it takes too long.';
  const kills = 'Its processes are killed at once, and can save nothing.';
  const removes = `It runs, and is killed first. ${forGood}`;
  return html`<div class="actions">
    ${button('Stop', does('Stop', 'was stopped', host('Stop'), stops))}
    ${button('Kill', does('Kill', 'was killed', kill, kills), true)}
    ${button('Remove', does('Remove', 'was removed', host('Remove', { force: true }), removes), true)}
    <a class="button" href=${linkTo(namespace, 'containers', id, 'logs')} aria-label=${`Logs of ${id}`}>Logs</a>
    <a class="button" href=${linkTo(namespace, 'containers', id, 'terminal')} aria-label=${`Terminal in ${id}`}>Terminal</a>
  </div>`;
}
