import type { DescMethod } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { BegunCall, CallObservation, CallObserver } from '@stowage/rpc/server';
import type { Family, Labels, Sample } from './exposition.ts';
import { Histogram } from './histogram.ts';

/** Those of Prometheus' Go client, and 30 s and 60 s for pulls and unpacking. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const TYPES: Readonly<Record<DescMethod['methodKind'], string>> = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
};

const OK = 0;
const NS = 1e9;

/**
 * Counts the calls of a server, under the names of containerd's. Calls over Connect and JSON are among them. Methods that
 * nobody has called yet have no series.
 *
 * @see github.com/grpc-ecosystem/go-grpc-middleware providers/prometheus
 */
export class CallFigures implements CallObserver {
  readonly #methods = new Map<DescMethod, MethodFigures>();
  readonly #histogram: boolean;

  /** With `histogram`, how long calls take is counted too. */
  constructor({ histogram }: { readonly histogram: boolean }) {
    this.#histogram = histogram;
  }

  begin({ method }: BegunCall): CallObservation {
    let figures = this.#methods.get(method);
    if (figures === undefined) {
      figures = new MethodFigures(method, this.#histogram);
      this.#methods.set(method, figures);
    }
    return figures.begin();
  }

  /** As of when they are printed. */
  families(): Family[] {
    const each = function* (
      methods: Iterable<MethodFigures>,
      samples: (of: MethodFigures) => Iterable<Sample>,
    ) {
      for (const method of methods) yield* samples(method);
    };
    const of = (samples: (of: MethodFigures) => Iterable<Sample>) => each(this.#methods.values(), samples);
    const counts: Family[] = [
      {
        name: 'grpc_server_started_total',
        help: 'Total number of RPCs started on the server.',
        type: 'counter',
        samples: of((method) => method.started()),
      },
      {
        name: 'grpc_server_handled_total',
        help: 'Total number of RPCs completed on the server, regardless of success or failure.',
        type: 'counter',
        samples: of((method) => method.handled()),
      },
    ];
    if (!this.#histogram) return counts;
    const seconds: Family = {
      name: 'grpc_server_handling_seconds',
      help: 'Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.',
      type: 'histogram',
      samples: of((method) => method.seconds()),
    };
    return [...counts, seconds];
  }
}

class MethodFigures {
  readonly #labels: Labels;
  readonly #handled = new Map<number, number>();
  readonly #seconds: Histogram | undefined;
  #started = 0;

  constructor({ methodKind, parent, name }: DescMethod, histogram: boolean) {
    this.#labels = { grpc_type: TYPES[methodKind], grpc_service: parent.typeName, grpc_method: name };
    if (histogram) this.#seconds = new Histogram(SECONDS);
  }

  begin(): CallObservation {
    this.#started += 1;
    // Takes a quarter of the time that `performance.now` does.
    const began = this.#seconds === undefined ? 0n : process.hrtime.bigint();
    return {
      end: (code) => {
        const kind: number = code ?? OK;
        this.#handled.set(kind, (this.#handled.get(kind) ?? 0) + 1);
        this.#seconds?.observe(Number(process.hrtime.bigint() - began) / NS);
      },
    };
  }

  *started(): Generator<Sample> {
    yield { labels: this.#labels, value: this.#started };
  }

  *handled(): Generator<Sample> {
    for (const [code, value] of this.#handled)
      yield { labels: { ...this.#labels, grpc_code: code === OK ? 'OK' : (Code[code] ?? 'Unknown') }, value };
  }

  seconds(): Iterable<Sample> {
    return this.#seconds?.samples(this.#labels) ?? [];
  }
}
