import { Fault, quote, type Scope, type Scoped } from '@stowage/core';
import { type ServeOptions as SocketOptions, type SocketServer, serveSocket } from '@stowage/rpc/serve';
import { sandboxControllerRoutes } from './controller-service.ts';
import type { SandboxController, SandboxControllers } from './sandbox-controller.ts';

export interface ServeOptions extends SocketOptions {
  /**
   * What the daemon calls it: `<name>` of its `[proxy_plugins.<name>]`, which comes with every request as `sandboxer`.
   * Another one is refused with `not_found`. Left out, any name will do.
   */
  readonly name?: string | undefined;
}

/**
 * Serves a sandbox controller on a unix socket, as the `[proxy_plugins]` of type `sandbox` of Stowage and containerd 2
 * expect it: the Controller of sandbox.v1 and the health service, by gRPC without TLS (and gRPC-Web, Connect and JSON
 * besides). The daemon publishes the events of its sandboxes.
 *
 * Containers join a sandbox by the address that `start` answers, without the controller: it has to be that of a task API
 * which the daemon can reach, `ttrpc+unix://<path>`.
 *
 * @param controller - or how to find that of a namespace, of the `containerd-namespace` header.
 * @returns once it listens. A dead socket file in the place is replaced.
 * @throws Fault `failed_precondition` if another process answers at the socket; `invalid_argument` for a path that is too
 *   long.
 * @see containerd core/sandbox/proxy/controller.go
 */
export function serveSandboxController(
  controller: SandboxController | Scoped<SandboxController>,
  { name, ...options }: ServeOptions,
): Promise<SocketServer> {
  const find = typeof controller === 'function' ? controller : () => controller;
  const controllers: SandboxControllers = {
    controller(scope: Scope, sandboxer: string) {
      if (name === undefined || sandboxer === name) return find(scope);
      const reason = `this is sandboxer ${quote(name)}`;
      throw new Fault('not_found', `sandboxer ${quote(sandboxer)}: ${reason}`);
    },
  };
  return serveSocket([sandboxControllerRoutes(controllers)], options);
}
