import { expect, test } from '@jest/globals';
import { Backoff } from '../src/backoff.ts';
import { isToStart, parsePolicy, RESTART_LABEL } from '../src/index.ts';
import { judge } from '../src/keep.ts';

const { status, policy, count, explicitlyStopped } = RESTART_LABEL;

test.each([
  ['', 'always', 0],
  ['no', 'no', 0],
  ['always', 'always', 0],
  ['unless-stopped', 'unless-stopped', 0],
  ['on-failure', 'on-failure', 0],
  ['on-failure:3', 'on-failure', 3],
])('policy %j is %s, at most %i times', (text, name, most) => {
  expect(parsePolicy(text)).toEqual({ name, most });
});

test.each(['sometimes', 'always:3', 'on-failure:', 'on-failure:x', 'on-failure:-1', ':3', 'on-failure:1:2'])(
  '%j is no policy',
  (text) => {
    expect(() => parsePolicy(text)).toThrow(/restart policy ".*": expected/);
  },
);

test.each([
  [{}, 0, true],
  [{ [policy]: 'no' }, 1, false],
  [{ [policy]: 'unless-stopped' }, 0, true],
  [{ [policy]: 'unless-stopped', [explicitlyStopped]: 'true' }, 1, false],
  [{ [policy]: 'unless-stopped', [explicitlyStopped]: 'false' }, 1, true],
  [{ [policy]: 'always', [explicitlyStopped]: 'true' }, 1, true],
  [{ [policy]: 'on-failure' }, 0, false],
  [{ [policy]: 'on-failure' }, undefined, false],
  [{ [policy]: 'on-failure' }, 3, true],
  [{ [policy]: 'on-failure:2', [count]: '1' }, 3, true],
  [{ [policy]: 'on-failure:2', [count]: '2' }, 3, false],
  [{ [policy]: 'on-failure:2', [count]: 'many' }, 3, true],
])('%j after exit status %s: started again: %s', (labels, exitStatus, expected) => {
  expect(isToStart(labels, exitStatus)).toBe(expected);
});

const now = new Date('2030-01-01T00:01:00Z');
const before = new Date('2030-01-01T00:00:00Z');
const stopped = { status: 'stopped', exitStatus: 1 } as const;
const running = { status: 'running', exitStatus: 0 } as const;

test.each([
  [{}, stopped, before, 'never'],
  [{ [status]: 'running' }, stopped, before, 'start'],
  [{ [status]: 'running' }, running, before, 'leave'],
  [{ [status]: 'running' }, { status: 'paused', exitStatus: 0 } as const, before, 'leave'],
  [{ [status]: 'running' }, { status: 'created', exitStatus: 0 } as const, before, 'leave'],
  [{ [status]: 'running' }, undefined, before, 'start'],
  [{ [status]: 'running' }, undefined, now, 'leave'],
  [{ [status]: 'stopped' }, running, before, 'end'],
  [{ [status]: 'stopped' }, stopped, before, 'leave'],
  [{ [status]: 'stopped' }, undefined, before, 'leave'],
  [{ [status]: 'dancing' }, stopped, before, 'leave'],
])('%j with task %j, changed at %s: %s', (labels, task, updatedAt, verdict) => {
  expect(judge({ labels, updatedAt }, task, { now, isSettled: false })).toBe(verdict);
});

test('at the start of a daemon nobody is about to make a task', () => {
  const container = { labels: { [status]: 'running' }, updatedAt: now };
  expect(judge(container, undefined, { now, isSettled: true })).toBe('start');
});

test('who ends at once waits twice as long each time, up to a minute, and anew once it ran for a while', () => {
  const backoff = new Backoff();
  const waits: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 12; i++) {
    const waitMs = backoff.wait('a', nowMs);
    waits.push(waitMs);
    nowMs += waitMs;
    backoff.did('a', waitMs, nowMs);
  }
  expect(waits.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(waits.at(-1)).toBe(60_000);
  expect(backoff.wait('b', nowMs)).toBe(100);
  expect(backoff.wait('a', nowMs + 10_000)).toBe(100);
});
