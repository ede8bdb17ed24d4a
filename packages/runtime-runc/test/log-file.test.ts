import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const pathOf = (id: string) => join(bench.directory, `${id}.log`);

async function started(id: string, script: string, more: { readonly terminal?: boolean } = {}) {
  const uri = `file://${pathOf(id)}?format=cri&max-size=1m&max-file=2`;
  const stdio = { stdout: uri, stderr: more.terminal ? '' : uri, ...more };
  await bench.tasks.create(await bench.container(id, ['sh', '-c', script], stdio));
  const exit = bench.tasks.wait({ id });
  await bench.tasks.start({ id });
  return { exit, remove: () => bench.tasks.delete({ id }) };
}

const log = (id: string) => readFile(pathOf(id), 'utf8');

/** Of one stream, as they were written. */
async function textOf(id: string, stream: 'stdout' | 'stderr'): Promise<string> {
  const records = (await log(id)).split('\n').slice(0, -1);
  return records
    .map((record) => {
      const [, name, tag, text] = /^\S+Z (\S+) ([FP]) (.*)$/s.exec(record) ?? [];
      if (name === undefined) throw new Error(`no record: ${record}`);
      return name === stream ? `${text}${tag === 'F' ? '\n' : ''}` : '';
    })
    .join('');
}

test('both streams are in one file, whole when the delete is done', async () => {
  const { exit, remove } = await started('both', 'busybox seq 1 20000; busybox seq 1 9 >&2; printf "no end"');
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await remove();
  const numbers = (to: number) => Array.from({ length: to }, (_, i) => `${i + 1}\n`).join('');
  expect(await textOf('both', 'stdout')).toBe(`${numbers(20_000)}no end`);
  expect(await textOf('both', 'stderr')).toBe(numbers(9));
});

test('a terminal has its lines in it too', async () => {
  const { exit, remove } = await started('tty', 'test -t 1 && echo "on a terminal"', { terminal: true });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await remove();
  expect(await textOf('tty', 'stdout')).toBe('on a terminal\r\n');
});

test('after the supervisor was killed another one goes on, and what was written meanwhile is there', async () => {
  const script = 'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo $i; busybox usleep 2000; done; echo end';
  const plain = await started('kept', `rm -f /stop; ${script}`);
  const terminal = await started('kept-tty', script, { terminal: true });
  const last = async (id: string) => (await textOf(id, 'stdout').catch(() => '')).split(/\r?\n/).at(-2) ?? '';
  await eventually(async () => Number(await last('kept')) > 20 && Number(await last('kept-tty')) > 20);
  const pid = await bench.supervisorPid();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  const [before, beforeTty] = [Number(await last('kept')), Number(await last('kept-tty'))];
  await eventually(async () => (await bench.supervisorPid().catch(() => pid)) !== pid);
  await eventually(
    async () => Number(await last('kept')) > before + 20 && Number(await last('kept-tty')) > beforeTty + 20,
  );
  await writeFile(join(bench.directory, 'lower', 'stop'), '');
  for (const { exit, remove } of [plain, terminal]) {
    await exit;
    await remove();
  }
  // A few lines that the dead one had read may be missing, at one place.
  const lines = (await textOf('kept', 'stdout')).split('\n').slice(0, -1);
  expect(lines.at(-1)).toBe('end');
  const gaps = lines.slice(1, -1).filter((line, i) => Number(line) !== Number(lines[i]) + 1);
  expect(gaps.length).toBeLessThanOrEqual(1);
});
