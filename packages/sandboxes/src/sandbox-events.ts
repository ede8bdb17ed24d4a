import { SandboxCreateSchema, SandboxExitSchema, SandboxStartSchema } from '@stowage/api/events';
import { type CallOptions, type Logger, reasonOf, type Slot, type TypedBytes } from '@stowage/core';
import { packMessage, timestampOf } from '@stowage/rpc';
import type { SandboxExit, SandboxRef } from './sandbox-controller.ts';

/** What is needed of the daemon's events. */
export interface Publisher {
  publish(namespace: string, topic: string, event: TypedBytes, options?: CallOptions): Promise<void>;
}

/** The slot of @stowage/events, which is no dependency of this package. */
export const publisherSlot: Slot<Publisher> = { type: 'io.containerd.event.v1', api: 1 };

/**
 * Tells everybody what happened to sandboxes. It has happened whether that can be told or not, so a failure is for the log.
 *
 * @see containerd plugins/services/sandbox/controller_service.go
 */
export class SandboxEvents {
  readonly #publisher: Publisher;
  readonly #log: Logger;

  constructor(publisher: Publisher, log: Logger) {
    this.#publisher = publisher;
    this.#log = log;
  }

  created(sandbox: SandboxRef): Promise<void> {
    return this.#tell(sandbox, 'create', packMessage(SandboxCreateSchema, { sandboxId: sandbox.id }));
  }

  started(sandbox: SandboxRef): Promise<void> {
    return this.#tell(sandbox, 'start', packMessage(SandboxStartSchema, { sandboxId: sandbox.id }));
  }

  exited(sandbox: SandboxRef, { exitStatus, exitedAt }: SandboxExit): Promise<void> {
    const event = { sandboxId: sandbox.id, exitStatus, exitedAt: timestampOf(exitedAt) };
    return this.#tell(sandbox, 'exit', packMessage(SandboxExitSchema, event));
  }

  async #tell({ namespace, id }: SandboxRef, what: string, event: TypedBytes): Promise<void> {
    const topic = `/sandboxes/${what}`;
    try {
      await this.#publisher.publish(namespace, topic, event);
    } catch (e) {
      this.#log.warn({ namespace, id, topic, reason: reasonOf(e) }, 'an event could not be published');
    }
  }
}
