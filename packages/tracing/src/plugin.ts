import { type Plugin, plugin, Skip } from '@stowage/core';
import { parseTracingConfig, TRACING_DEFAULTS } from './config.ts';
import { LocalTracer } from './local-tracer.ts';
import { otlpExporter } from './otlp/exporter.ts';
import { tracerSlot } from './tracer.ts';

/**
 * Sends spans where `endpoint` says, which by default is nowhere: nothing is traced then.
 *
 * @param build - what is told of the program.
 */
export function otlpTracingPlugin(build: { readonly version: string }): Plugin {
  return plugin({
    slot: tracerSlot,
    id: 'otlp',
    config: parseTracingConfig,
    defaults: TRACING_DEFAULTS,
    start({ config: { endpoint, ratio, serviceName }, exports, log }) {
      if (endpoint === undefined)
        throw new Skip('no endpoint to send spans to is configured', { unwanted: true });
      const resource = {
        'service.name': serviceName,
        'service.version': build.version,
        'process.pid': process.pid,
      };
      const exporter = otlpExporter({ endpoint, resource, log });
      const tracer = new LocalTracer({ onEnd: (span) => exporter.add(span), ratio });
      exports.set('endpoint', endpoint.origin);
      return Object.assign(tracer, { [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose]() });
    },
  });
}
