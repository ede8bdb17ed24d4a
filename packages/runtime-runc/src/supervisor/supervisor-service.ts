import { Supervisor } from '@stowage/api/supervisor/v1';
import { anyOf, type Routes, serviceRoutes, timestampOf } from '@stowage/rpc';
import { stateToWire } from '@stowage/runtime/service';
import type { EventLog } from './event-log.ts';
import type { Handover } from './handover.ts';
import type { TaskRegistry } from './task-registry.ts';

export interface SupervisorServiceOptions {
  readonly registry: TaskRegistry;
  readonly events: EventLog;
  readonly handover: Handover;
  readonly version: string;
  readonly build: string;
  /** Goes on with the tasks of another supervisor, which is dead. */
  takeOver(owner: string): Promise<void>;
  /** Ends the supervisor, soon. */
  stop(options: { readonly killTasks: boolean }): Promise<void>;
}

/** Offers what is beside the tasks: `stowage.supervisor.v1.Supervisor`. */
export function supervisorRoutes(options: SupervisorServiceOptions): Routes {
  const { registry, events, handover, version, build, takeOver, stop } = options;
  return serviceRoutes(Supervisor, {
    info: () => {
      handover.settle();
      return { pid: process.pid, version, build, tasks: registry.size };
    },
    list: () => {
      handover.settle();
      return {
        // First the number, then the states: an event in between is told twice rather than never.
        seq: BigInt(events.seq),
        processes: [...registry.states()].map(({ namespace, state, outOfMemory }) => ({
          ...{ namespace, outOfMemory },
          state: stateToWire(state),
        })),
      };
    },
    async *events({ afterSeq }, { signal }) {
      for await (const { seq, envelope } of events.read(Number(afterSeq), signal)) {
        const { timestamp, namespace, topic, event } = envelope;
        yield {
          seq: BigInt(seq),
          envelope: { timestamp: timestampOf(timestamp), namespace, topic, event: anyOf(event) },
        };
      }
    },
    async ack({ seq }) {
      await events.ack(Number(seq));
      return {};
    },
    async takeOver({ owner }) {
      await takeOver(owner);
      return {};
    },
    async stop({ killTasks }) {
      await stop({ killTasks });
      return {};
    },
  });
}
