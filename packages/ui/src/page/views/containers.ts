import { useDeeds } from '../deeds.ts';
import type { EventsFeed } from '../events-feed.ts';
import { formatAge, formatSize } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { html, type Shown } from '../html.ts';
import { Field, Listing } from '../listing.ts';
import type { Container, Task } from '../messages.ts';
import { linkTo } from '../route.ts';
import { call } from '../rpc.ts';
import { Sparkline } from '../sparkline.ts';
import type { History } from '../usage-feed.ts';
import { ContainerButtons } from './container-buttons.ts';

interface ContainersProps {
  readonly namespace: string;
  readonly feed: EventsFeed;
  readonly usage: ReadonlyMap<string, History>;
}

/** All containers, what each uses, and what can be done with it. */
export function Containers({ namespace, feed, usage }: ContainersProps): Shown {
  const loaded = useLoaded(
    (signal) => listed(namespace, signal),
    [namespace, feed.count.containers, feed.count.tasks],
  );
  const cards = loaded.value?.map(
    (one) =>
      html`<${Card} key=${one.container.id} ...${one} namespace=${namespace} history=${usage.get(one.container.id)} />`,
  );
  return html`<${Listing} loaded=${loaded} empty="There are no containers in this namespace.">${cards}<//>`;
}

interface Listed {
  readonly container: Container;
  readonly task: Task | undefined;
}

async function listed(namespace: string, signal: AbortSignal): Promise<Listed[]> {
  const options = { namespace, signal };
  const [{ containers = [] }, { tasks = [] }] = await Promise.all([
    call<{ containers?: Container[] }>('containerd.services.containers.v1.Containers/List', {}, options),
    call<{ tasks?: Task[] }>('containerd.services.tasks.v1.Tasks/List', {}, options),
  ]);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const rank = ({ task }: Listed) => (isAlive(task) ? 0 : 1);
  return containers
    .map((container) => ({ container, task: byId.get(container.id) }))
    .sort((a, b) => rank(a) - rank(b) || a.container.id.localeCompare(b.container.id));
}

export const isAlive = (task: Task | undefined): boolean =>
  ['RUNNING', 'PAUSED', 'PAUSING'].includes(task?.status ?? '');

/** A sign and words, as not everybody sees colours. */
export function statusOf(task: Task | undefined): readonly [sign: string, text: string] {
  switch (task?.status) {
    case 'RUNNING':
      return ['▶', `running, pid ${task.pid ?? 0}`];
    case 'PAUSED':
    case 'PAUSING':
      return ['‖', 'paused'];
    case 'CREATED':
      return ['○', 'created'];
    case 'STOPPED':
      return ['■', `exited (${task.exitStatus ?? 0})`];
    default:
      return ['○', 'not running'];
  }
}

interface CardProps extends Listed {
  readonly namespace: string;
  readonly history: History | undefined;
}

function Card({ container, task, namespace, history }: CardProps): Shown {
  const deeds = useDeeds();
  const { id, image = '', createdAt, spec } = container;
  const args = spec?.value?.process?.args?.join(' ') ?? '';
  const [sign, text] = statusOf(task);
  return html`<li class="card">
    <h3><a href=${linkTo(namespace, 'containers', id, 'logs')}>${id}</a></h3>
    <p class=${`status ${isAlive(task) ? 'alive' : ''}`}><span aria-hidden="true">${sign}</span> ${text}</p>
    <dl>
      <${Field} name="Image" isLong>${image || '–'}<//>
      <${Field} name="Command" isLong><code class="command" title=${args}>${args}</code><//>
      <${Field} name="Created">${formatAge(createdAt)}<//>
    </dl>
    ${history && isAlive(task) ? html`<${Figures} id=${id} history=${history} />` : null}
    <${ContainerButtons} id=${id} task=${task} namespace=${namespace} deeds=${deeds} />
  </li>`;
}

function Figures({ id, history }: { readonly id: string; readonly history: History }): Shown {
  const { cpus, memoryBytes, last } = history;
  const cpu = cpus.at(-1);
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
  const cpuText = cpu === undefined ? '…' : percent(cpu);
  const [memory, limit] = [formatSize(BigInt(last.memoryBytes)), formatSize(BigInt(last.memoryLimitBytes))];
  const most = (values: readonly number[]) => Math.max(0, ...values);
  return html`<dl class="figures">
    <${Field} name="CPU">
      <${Sparkline} values=${cpus} most=${0.1} label=${`CPU of ${id} in the last minute, at most ${percent(most(cpus))}`} />
      <span class="figure cpu">${cpuText}</span>
    <//>
    <${Field} name="Memory">
      <${Sparkline} values=${memoryBytes} most=${1e6} label=${`Memory of ${id} in the last minute, at most ${formatSize(most(memoryBytes))}`} />
      <span class="figure memory" title=${`of ${limit}`}>${memory}</span>
    <//>
    <${Field} name="Processes">${last.pids}<//>
  </dl>`;
}
