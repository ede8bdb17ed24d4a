import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, reasonOf } from '@stowage/core';
import type { JournalLine, World } from '../model/world.ts';
import type { Rng } from '../rng.ts';
import type { Services } from '../services.ts';
import { ClientView } from './client-view.ts';
import type { Journal } from './journal.ts';
import type { Operation, Plan } from './operation.ts';

/** No operation takes that long on a daemon that is alive, however slow the machine. */
const OPERATION_MS = 20_000;

export interface ClientWork {
  readonly id: number;
  readonly rng: Rng;
  readonly world: World;
  readonly journal: Journal;
  readonly services: Services;
  readonly operations: readonly Operation[];
  /** Whether bytes that nobody synced may be gone. */
  readonly unsynced: boolean;
  /** No operation is begun after it fires. */
  readonly stop: AbortSignal;
  /** Numbers of operations, and parts of names, that nobody else has. */
  readonly next: () => number;
  readonly unique: () => string;
  /** Told of each operation that was acknowledged. */
  readonly onAck: () => void;
}

/** One client: an operation after the other, each journaled before it is sent and when it is answered. */
export async function runClient(work: ClientWork): Promise<void> {
  const { rng, stop, operations } = work;
  while (!stop.aborted) {
    const operation = rng.weighted(operations);
    const view = new ClientView(work);
    const plan = operation?.plan(view);
    if (operation === undefined || plan === undefined) continue;
    if (await perform(work, operation.name, plan)) continue;
    // A daemon that is gone is not asked for more: that would only make everything uncertain.
    await answering(work);
  }
}

/** @returns whether it went well. */
async function perform(work: ClientWork, operation: string, plan: Plan): Promise<boolean> {
  const { id, services, next } = work;
  const n = next();
  const { effects, maybe = [] } = plan;
  await tell(work, { t: 'begin', at: Date.now(), n, client: id, operation, effects, maybe });
  const signal = AbortSignal.timeout(OPERATION_MS);
  try {
    await plan.run(services, signal);
  } catch (e) {
    await tell(work, failure(n, operation, e));
    return false;
  }
  await tell(work, { t: 'ack', n, at: Date.now() });
  work.onAck();
  return true;
}

async function tell({ world, journal }: ClientWork, line: JournalLine): Promise<void> {
  world.apply(line);
  await journal.append(line);
}

function failure(n: number, operation: string, e: unknown): JournalLine {
  if ((e as Error | undefined)?.name === 'Lie')
    return { t: 'lie', n, message: `${operation}: ${reasonOf(e)}` };
  const kind = Fault.is(e) ? e.kind : ((e as { code?: string } | undefined)?.code ?? 'unknown');
  return { t: 'fail', n, kind, message: `${operation}: ${reasonOf(e)}` };
}

async function answering({ services, stop }: ClientWork): Promise<void> {
  while (!stop.aborted) {
    try {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(OPERATION_MS)]);
      for await (const _ of services.namespaces.list({ signal })) return;
      return;
    } catch {
      await sleep(20);
    }
  }
}
