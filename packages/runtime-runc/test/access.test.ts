import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { Workbench } from './fixtures/workbench.ts';

test('whatever the umask, nobody but root gets at tasks, sockets or logs', async () => {
  const umask = process.umask(0);
  try {
    await using bench = await Workbench.open();
    const stdout = await bench.fifo('out');
    const output = text(createReadStream(stdout));
    await bench.tasks.create(await bench.container('c', ['sh', '-c', 'umask; sleep 1000'], { stdout }));
    await bench.tasks.start({ id: 'c' });
    const open: string[] = [];
    for (const name of ['', ...(await readdir(bench.state, { recursive: true }))]) {
      const { mode } = await stat(join(bench.state, name));
      // What the runtime wrote, below directories that are closed.
      const isRuntimes = /^runc\/|\.(log|pid)$/.test(name);
      if ((mode & 0o077) !== 0 && !isRuntimes) open.push(`${name} ${(mode & 0o777).toString(8)}`);
    }
    expect(open).toEqual([]);
    const sock = join(bench.state, 'supervisor/source/sock');
    for (const path of [bench.state, join(bench.state, 'runc'), sock]) {
      const { stderr } = spawnSync('ls', [path], { uid: 1000, gid: 1000, encoding: 'utf8' });
      expect(stderr).toMatch(/Permission denied/);
    }
    await bench.tasks.kill({ id: 'c', signal: 9 });
    await bench.tasks.wait({ id: 'c' });
    expect(await output).toBe('0022\n');
    await bench.tasks.delete({ id: 'c' });
  } finally {
    process.umask(umask);
  }
});
