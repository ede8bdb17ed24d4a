import type { Operation, OperationChange } from '@stowage/operations';
import { plain, table } from '../../table.ts';
import { COLUMNS, cells } from './columns.ts';

/** Shows operations as they go on: a table that changes on a terminal, else a line for each change. */
export interface OperationsView extends Disposable {
  update(change: OperationChange): void;
}

/** @param withEnded - whether those that had ended before are shown. */
export function operationsView(stream: NodeJS.WriteStream, withEnded: boolean): OperationsView {
  const begun = new Date();
  const isOld = ({ endedAt }: Operation) => !withEnded && endedAt !== undefined && endedAt < begun;
  return stream.isTTY ? changing(stream, isOld) : lines(stream, isOld);
}

function lines(stream: NodeJS.WriteStream, isOld: (operation: Operation) => boolean): OperationsView {
  return {
    update(change) {
      if (change.type === 'changed' && !isOld(change.operation))
        stream.write(`${cells(change.operation).map(plain).filter(Boolean).join('  ')}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** Those that end stay above; below, those that run are drawn anew. */
function changing(stream: NodeJS.WriteStream, isOld: (operation: Operation) => boolean): OperationsView {
  const running = new Map<string, Operation>();
  let drawn = 0;
  const draw = (ended?: Operation) => {
    // A line that is longer than the terminal is wide would be two.
    const fit = (line: string) => line.slice(0, Math.max(1, stream.columns - 1));
    const now = new Date();
    const rows = [...running.values()].slice(0, Math.max(1, stream.rows - 3));
    const below = table(
      COLUMNS,
      rows.map((operation) => cells(operation, now)),
    ).split('\n');
    const above = ended === undefined ? [] : [cells(ended, now).map(plain).filter(Boolean).join('  ')];
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    const text = [...above, ...below].map(fit).join('\n');
    stream.write(`${up}\r\x1b[J${text}`);
    drawn = below.length - 1;
  };
  draw();
  return {
    update(change) {
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
    [Symbol.dispose]() {},
  };
}
