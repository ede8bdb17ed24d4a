import type { Operation, OperationChange } from '@stowage/operations';
import { tableOf } from '../../listing.ts';
import { liveLines } from '../../live.ts';
import { plain } from '../../table.ts';
import { writtenTo } from '../../written.ts';
import { cells, OPERATIONS } from './columns.ts';

/** Shows operations as they go on: a table that changes on a terminal, else a line for each change. */
export interface OperationsView extends Disposable {
  /** Rejects with `EPIPE` once nobody reads it. */
  update(change: OperationChange): Promise<void>;
}

/** @param withEnded - whether those that had ended before are shown. */
export function operationsView(stream: NodeJS.WriteStream, withEnded: boolean): OperationsView {
  const begun = new Date();
  const isOld = ({ endedAt }: Operation) => !withEnded && endedAt !== undefined && endedAt < begun;
  return stream.isTTY ? changing(stream, isOld) : lines(stream, isOld);
}

function lines(stream: NodeJS.WriteStream, isOld: (operation: Operation) => boolean): OperationsView {
  return {
    async update(change) {
      if (change.type === 'changed' && !isOld(change.operation))
        await writtenTo(stream, `${cells(change.operation).map(plain).filter(Boolean).join('  ')}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** Those that end stay above; below, those that run are drawn anew. */
function changing(stream: NodeJS.WriteStream, isOld: (operation: Operation) => boolean): OperationsView {
  const running = new Map<string, Operation>();
  const live = liveLines(stream);
  const draw = (ended?: Operation) => {
    const rows = [...running.values()].slice(0, Math.max(1, stream.rows - 3));
    const above = ended === undefined ? undefined : cells(ended).map(plain).filter(Boolean).join('  ');
    live.draw(tableOf(rows, OPERATIONS).trimEnd().split('\n'), above);
  };
  draw();
  return {
    async update(change) {
      if (change.type === 'gap') {
        running.clear();
        return;
      }
      const { operation } = change;
      if (isOld(operation)) return;
      if (operation.state === 'running') running.set(operation.id, operation);
      else running.delete(operation.id);
      draw(operation.state === 'running' ? undefined : operation);
    },
    [Symbol.dispose]: live[Symbol.dispose],
  };
}
