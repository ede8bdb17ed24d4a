import type { CallObserver } from '@stowage/rpc/server';
import { end } from './calls.ts';
import { parseTraceparent, TRACEPARENT } from './trace-context.ts';
import type { Tracer } from './tracer.ts';

/** Makes a span of each call of a server, below the one that its client named, and active while its method runs. */
export function observeCalls(tracer: Tracer): CallObserver {
  return {
    begin(call) {
      const { method } = call;
      const service = method.parent.typeName;
      const namespace = call.requestField('containerd-namespace');
      const span = tracer.start(`${service}/${method.name}`, {
        kind: 'server',
        parent: parseTraceparent(call.requestField(TRACEPARENT)),
        attributes: {
          'rpc.system': 'grpc',
          'rpc.service': service,
          'rpc.method': method.name,
          ...(namespace !== null && { 'containerd.namespace': namespace }),
        },
      });
      return { run: (work) => span.run(work), end: (code) => end(span, code) };
    },
  };
}
