import { Operations } from '@stowage/api/operations/v1';
import type { Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { changeToWire, operationToWire, positionFromWire } from './convert.ts';
import type { Operation, OperationService } from './operations.ts';
import { type ReportOptions, report } from './report.ts';

/** Operations in one message of a list: each may have 2000 parts, and a message 16 MiB. */
const PAGE = 8;

/** Serves operations by scope as `stowage.operations.v1.Operations`. */
export function operationRoutes(operations: Scoped<OperationService>, options: ReportOptions = {}): Routes {
  return serviceRoutes(Operations, {
    async *list({ filters }, context) {
      const { signal } = context;
      let page: Operation[] = [];
      for await (const operation of operations(scopeOf(context)).list(filters, { signal })) {
        if (page.push(operation) < PAGE) continue;
        yield { operations: page.map(operationToWire) };
        page = [];
      }
      if (page.length > 0) yield { operations: page.map(operationToWire) };
    },
    async *subscribe({ filters, after }, context) {
      const { signal } = context;
      const asked = { filters, ...(after !== undefined && { after: positionFromWire(after) }), signal };
      for await (const change of operations(scopeOf(context)).subscribe(asked)) yield changeToWire(change);
    },
    async cancel({ id }, context) {
      await operations(scopeOf(context)).cancel(id, { signal: context.signal });
      return {};
    },
    report: (requests, context) => report(operations(scopeOf(context)), requests, context, options),
  });
}
