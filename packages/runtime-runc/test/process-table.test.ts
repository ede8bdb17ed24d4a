import { expect, test } from '@jest/globals';
import { TaskCreateSchema, TaskDeleteSchema, TaskExecAddedSchema, TaskExitSchema } from '@stowage/api/events';
import { packMessage, timestampOf } from '@stowage/rpc';
import type { ProcessState } from '@stowage/runtime';
import { ProcessTable } from '../src/daemon/process-table.ts';
import { TableSource } from '../src/daemon/table-source.ts';

let source: TableSource;
const exitedAt = new Date('2026-01-01T00:00:00Z');
const none = { bundle: '/b', stdin: '', stdout: '', stderr: '', terminal: false };
const running: ProcessState = { id: 'c', execId: '', pid: 5, status: 'running', exitStatus: 0, ...none };

function tableWith(...processes: ProcessState[]): ProcessTable {
  const table = new ProcessTable();
  source = new TableSource('first');
  table.reset(
    source,
    10,
    processes.map((state) => ({ namespace: 'ns', state })),
  );
  return table;
}

function exited(id: string, pid: number, exitStatus: number) {
  const event = { containerId: 'c', id, pid, exitStatus, exitedAt: timestampOf(exitedAt) };
  return { namespace: 'ns', topic: '/tasks/exit', event: packMessage(TaskExitSchema, event) };
}

test('whoever waits is told of the exit, now or later', async () => {
  const table = tableWith(running);
  const exit = table.wait('ns', { id: 'c' }, {});
  table.apply(source, 11, exited('c', 5, 3));
  expect(await exit).toEqual({ exitStatus: 3, exitedAt });
  expect(await table.wait('ns', { id: 'c' }, {})).toEqual({ exitStatus: 3, exitedAt });
});

test('an event that the list includes changes nothing', async () => {
  const table = tableWith(running);
  table.apply(source, 10, exited('c', 5, 3));
  expect(table.get('ns', { id: 'c' })).toMatchObject({ status: 'running' });
});

test('a wait outlives a lost supervisor, and ends with what the next one knows', async () => {
  const table = tableWith(running, { ...running, id: 'd' }, { ...running, id: 'e' });
  const [c, d, e] = ['c', 'd', 'e'].map((id) => table.wait('ns', { id }, {}));
  e?.catch(() => {});
  table.reset(source, 20, [
    { namespace: 'ns', state: { ...running, status: 'stopped', exitStatus: 9, exitedAt } },
    { namespace: 'ns', state: { ...running, id: 'd' } },
  ]);
  expect(await c).toEqual({ exitStatus: 9, exitedAt });
  await expect(e).rejects.toMatchObject({ kind: 'not_found' });
  table.close(new Error('closed'));
  await expect(d).rejects.toThrow('closed');
});

test('a wait that is given up leaves nothing behind', async () => {
  const table = tableWith(running);
  const stop = new AbortController();
  const waiting = table.wait('ns', { id: 'c' }, { signal: stop.signal });
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  table.apply(source, 11, exited('c', 5, 3));
});

test('an exec with the id of its container is told from the init by its pid', async () => {
  const table = tableWith(running);
  const added = packMessage(TaskExecAddedSchema, { containerId: 'c', execId: 'c' });
  table.apply(source, 11, { namespace: 'ns', topic: '/tasks/exec-added', event: added });
  table.apply(source, 12, exited('c', 6, 1));
  expect(table.get('ns', { id: 'c' })).toMatchObject({ status: 'running' });
  expect(table.get('ns', { id: 'c', execId: 'c' })).toMatchObject({ status: 'stopped', exitStatus: 1 });
});

test('a caller can wait until an event is known', async () => {
  const table = tableWith();
  let there = false;
  const reached = source.reached(12).then(() => {
    there = true;
  });
  const io = { stdin: '/i', stdout: '/o', stderr: '', terminal: true };
  const created = packMessage(TaskCreateSchema, { containerId: 'c', bundle: '/b', pid: 7, io });
  table.apply(source, 11, { namespace: 'ns', topic: '/tasks/create', event: created });
  await Promise.resolve();
  expect(there).toBe(false);
  expect(table.get('ns', { id: 'c' })).toMatchObject({
    status: 'created',
    pid: 7,
    stdout: '/o',
    terminal: true,
  });
  const gone = packMessage(TaskDeleteSchema, { containerId: 'c', pid: 7 });
  table.apply(source, 12, { namespace: 'ns', topic: '/tasks/delete', event: gone });
  await reached;
  expect([...table.list()]).toEqual([]);
});

test('an exit that the next supervisor tells once more is known as such; that of another process is not', () => {
  const table = tableWith(running);
  expect(table.apply(source, 11, exited('c', 5, 3)).again).toBe(false);
  const heir = new TableSource('heir');
  table.reset(heir, 1, [
    { namespace: 'ns', state: { ...running, status: 'stopped', exitStatus: 3, exitedAt } },
  ]);
  table.drop(source);
  expect(table.apply(heir, 2, exited('c', 5, 3))).toMatchObject({ again: true });
  expect(table.apply(heir, 3, exited('c', 6, 3))).toMatchObject({ again: false });
});

test('what one supervisor tells changes nothing about the tasks of another', async () => {
  const table = tableWith(running);
  const other = new TableSource('other');
  expect(table.reset(other, 5, [{ namespace: 'ns', state: { ...running, id: 'd' } }])).toBe(true);
  const gone = packMessage(TaskDeleteSchema, { containerId: 'c', pid: 5 });
  expect(
    table.apply(other, 6, { namespace: 'ns', topic: '/tasks/delete', event: gone }).change,
  ).toBeUndefined();
  table.apply(other, 7, exited('c', 5, 3));
  expect(table.get('ns', { id: 'c' })).toMatchObject({ status: 'running' });
  // A list that is older than what was told.
  expect(table.reset(other, 6, [])).toBe(false);
  expect([...table.list()].map(({ id }) => id).sort()).toEqual(['c', 'd']);
  const waiting = table.wait('ns', { id: 'd' }, {});
  table.drop(other);
  await expect(waiting).rejects.toMatchObject({ kind: 'not_found' });
  expect(table.ownerOf('ns', 'c')).toBe('first');
});

test('ids like __proto__ are like any other', () => {
  const table = tableWith({ ...running, id: '__proto__' });
  expect(table.get('ns', { id: '__proto__' })).toMatchObject({ pid: 5 });
  expect(table.get('ns', { id: 'constructor' })).toBeUndefined();
  expect([...table.list()]).toEqual([{ namespace: 'ns', id: '__proto__' }]);
});
