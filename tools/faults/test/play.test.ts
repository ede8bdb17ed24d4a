import { access, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Arena } from '../src/arena.ts';
import type { Nemesis } from '../src/nemeses/nemesis.ts';
import { type PlayOptions, play } from '../src/play.ts';

const options: PlayOptions = { form: 'short', seed: 1, signal: new AbortController().signal };
const rounds = { short: 3, ci: 3, long: 3 };

/** Does no harm in its rounds but what it is told. */
function nemesis(harm: (arena: Arena) => void): Nemesis {
  return {
    ...{ name: 'none', rounds, missing: async () => undefined },
    async play(stage) {
      await using arena = await Arena.open(await stage.place());
      await arena.start();
      while (stage.more()) await stage.round(arena, async () => harm(arena));
    },
  };
}

test('plays the rounds of the form, and leaves nothing', async () => {
  let dir = '';
  const outcome = await play(
    nemesis((arena) => {
      dir = arena.dir;
    }),
    options,
  );
  expect(outcome).toMatchObject({ rounds: 3, lost: 0, torn: 0, other: 0 });
  expect(outcome.violation).toBeUndefined();
  await expect(access(dir)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('ends with the first round that breaks a rule, and keeps what is known of it', async () => {
  const outcome = await play(
    nemesis((arena) => arena.report({ rule: 'lost', message: 'a blob' })),
    options,
  );
  expect(outcome).toMatchObject({ rounds: 1, lost: 1, violation: 'lost: round 1: a blob' });
  const kept = outcome.kept ?? '';
  expect(await readFile(join(kept, 'violations.json'), 'utf8')).toContain('a blob');
  await access(join(kept, 'journal.jsonl'));
  await rm(dirname(kept), { recursive: true });
});

test('a daemon that does not recover is dead', async () => {
  const outcome = await play(
    nemesis(() => {
      throw new Error('no answer');
    }),
    options,
  );
  expect(outcome).toMatchObject({ rounds: 1, other: 1, violation: 'dead: round 1: no answer' });
  await rm(dirname(outcome.kept ?? ''), { recursive: true });
});

test('what a machine lacks is skipped, and said', async () => {
  const outcome = await play({ ...nemesis(() => undefined), missing: async () => 'no disks here' }, options);
  expect(outcome).toMatchObject({ rounds: 0, skipped: 'no disks here' });
});
