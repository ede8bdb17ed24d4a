import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import {
  type CgroupPaths,
  cgroupLayout,
  cgroupOf,
  readCgroupStats,
  readOomKills,
  watchOom,
} from '../src/cgroup.ts';
import { layoutOf, parseProcessCgroup } from '../src/cgroup-layout.ts';
import { parseBlkio } from '../src/cgroup-stats-v1.ts';
import { parseIoStat, parsePressure, readStatsV2 } from '../src/cgroup-stats-v2.ts';
import { hasCode } from '../src/index.ts';
import { parseMountInfo } from '../src/mountinfo.ts';
import { Poller } from '../src/poller.ts';
import { tempDir } from './fixtures/temp.ts';

const v1Mounts = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
`;
const v2Beside = '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n';
const v2Only = '30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

test('v1 with an empty v2 beside it is v1; with a controller there it is hybrid; v2 alone is v2', () => {
  const kind = (text: string, controllers: string[]) => layoutOf(parseMountInfo(text), controllers).kind;
  expect(kind(v1Mounts + v2Beside, [])).toBe('v1');
  expect(kind(v1Mounts + v2Beside, ['hugetlb'])).toBe('v1');
  expect(kind(v1Mounts + v2Beside, ['pids'])).toBe('hybrid');
  expect(kind(v2Only, ['cpu', 'memory'])).toBe('v2');
  expect(kind('', [])).toBe('v1');
});

test('a process is found in every hierarchy, also under a cgroup namespace', () => {
  const layout = layoutOf(parseMountInfo(v1Mounts + v2Beside), []);
  const paths = parseProcessCgroup(
    '4:memory:/docker/abc/task:1\n3:cpu,cpuacct:/a\n2:pids:/elsewhere\n1:name=systemd:/\n0::/u\n',
    layout,
  );
  expect(Object.fromEntries(paths.v1)).toEqual({
    memory: '/sys/fs/cgroup/memory/task:1',
    cpu: '/sys/fs/cgroup/cpu,cpuacct/a',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct/a',
    'name=systemd': '/sys/fs/cgroup/systemd',
  });
  expect(paths.v2).toBe('/sys/fs/cgroup/unified/u');
});

test('files as the kernel writes them', () => {
  expect(parseBlkio('8:0 Read 4096\n8:0 Write 1\n254:16 77\nTotal 4097\n')).toEqual([
    { major: 8n, minor: 0n, op: 'Read', value: 4096n },
    { major: 8n, minor: 0n, op: 'Write', value: 1n },
    { major: 254n, minor: 16n, op: '', value: 77n },
  ]);
  expect(parseIoStat('8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n')).toEqual([
    { major: 8n, minor: 0n, readBytes: 1n, writtenBytes: 2n, reads: 3n, writes: 4n },
    { major: 7n, minor: 0n, readBytes: 0n, writtenBytes: 0n, reads: 0n, writes: 0n },
  ]);
  expect(parsePressure('some avg10=1.50 avg60=0.00 avg300=0.00 total=42')).toEqual({
    some: { avg10: 1.5, avg60: 0, avg300: 0, totalUs: 42n },
    full: undefined,
  });
});

test('a v2 cgroup, from files', async () => {
  using dir = tempDir();
  const files: Record<string, string> = {
    'cpu.stat': 'usage_usec 10\nuser_usec 6\nsystem_usec 4\nnr_throttled 1\n',
    'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n',
    'memory.stat': 'anon 4096\nfile 8192\n',
    'memory.current': '12288\n',
    'memory.max': 'max\n',
    'memory.peak': '20480\n',
    'memory.events': 'low 0\nhigh 0\nmax 1\noom 2\noom_kill 3\n',
    'pids.current': '3\n',
    'pids.max': '100\n',
    'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4\n',
    'hugetlb.2MB.current': '0\n',
    'hugetlb.2MB.max': 'max\n',
    'hugetlb.2MB.events': 'max 5\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir.path, name), text);
  expect(await readStatsV2({ kind: 'v2', v1: new Map(), v2: dir.path })).toMatchObject({
    version: 2,
    cpu: {
      stat: { usage_usec: 10n, nr_throttled: 1n },
      pressure: { some: { totalUs: 7n }, full: undefined },
    },
    memory: {
      stat: { anon: 4096n, file: 8192n },
      usage: 12_288n,
      limit: undefined,
      peak: 20_480n,
      swapUsage: undefined,
      events: { oom_kill: 3n },
    },
    pids: { current: 3n, limit: 100n },
    io: { devices: [{ writes: 4n }], pressure: undefined },
    hugetlb: [{ pageSize: '2MB', usage: 0n, max: undefined, failcnt: 5n }],
  });
});

test('an absent process has no cgroup, and an absent cgroup no counters', async () => {
  const layout = await cgroupLayout();
  expect(await cgroupOf(2 ** 22 + 1, layout)).toBeUndefined();
  const nowhere = '/sys/fs/cgroup/nowhere';
  const v1 = new Map(['memory', 'pids', 'cpu', 'cpuacct', 'blkio'].map((name) => [name, nowhere]));
  expect(await readCgroupStats({ kind: 'v1', v1, v2: undefined })).toMatchObject({
    memory: undefined,
    pids: undefined,
  });
  expect(await readCgroupStats({ kind: 'v2', v1: new Map(), v2: nowhere })).toMatchObject({
    memory: undefined,
  });
  await using poller = new Poller();
  expect(watchOom({ kind: 'v1', v1, v2: undefined }, poller, () => {})).toBeUndefined();
  expect(watchOom({ kind: 'v2', v1: new Map(), v2: nowhere }, poller, () => {})).toBeUndefined();
  expect(await readOomKills({ kind: 'v2', v1: new Map(), v2: nowhere })).toBeUndefined();
  expect(await readOomKills({ kind: 'v1', v1, v2: undefined })).toBeUndefined();
});

test('out of memory under v2 is told when the kernel counts a kill, once for each change', async () => {
  using dir = tempDir();
  const file = join(dir.path, 'memory.events');
  const events = (oom: number, kills: number) => {
    const text = `low 0\nhigh 7\nmax 9\noom ${oom}\noom_kill ${kills}\noom_group_kill 0\n`;
    // In place and in one write, as the kernel changes it.
    writeFileSync(file, text, { flag: existsSync(file) ? 'r+' : 'w' });
  };
  events(1, 1);
  const paths: CgroupPaths = { kind: 'v2', v1: new Map(), v2: dir.path };
  expect(await readOomKills(paths)).toBe(1n);
  await using poller = new Poller();
  let told = 0;
  const until = async (count: number) => {
    for (const end = Date.now() + 10_000; told < count && Date.now() < end; ) await delay(5);
    await delay(50);
    return told;
  };
  {
    using _ = watchOom(paths, poller, () => void told++);
    // What was counted before is nobody's news, nor is a limit that was met without a kill.
    expect(await until(0)).toBe(0);
    events(2, 1);
    expect(await until(0)).toBe(0);
    events(2, 2);
    expect(await until(1)).toBe(1);
    events(3, 4);
    expect(await until(2)).toBe(2);
  }
  events(5, 5);
  expect(await until(2)).toBe(2);
  expect(await readOomKills(paths)).toBe(5n);
});

const layout = await cgroupLayout();
const onV1 = layout.v1.has('memory') && layout.v1.has('pids') ? test : test.skip;

onV1('a real v1 cgroup: counters, out of memory, removal', async () => {
  const name = `stowage-linux-${process.pid}`;
  const v1 = new Map(
    ['memory', 'pids', 'cpu', 'cpuacct', 'blkio']
      .filter((controller) => layout.v1.has(controller))
      .map((controller) => [controller, join(layout.v1.get(controller)?.mountPoint ?? '', name)]),
  );
  for (const directory of v1.values()) mkdirSync(directory);
  const paths: CgroupPaths = { kind: 'v1', v1, v2: undefined };
  const memory = v1.get('memory') ?? '';
  await using poller = new Poller();
  const child = spawn('sh', ['-c', 'read _ && exec tail /dev/zero']);
  const exited = once(child, 'exit');
  let count = 0;
  const happened = Promise.withResolvers<void>();
  try {
    writeFileSync(join(memory, 'memory.limit_in_bytes'), `${16 << 20}`);
    using _ = watchOom(paths, poller, () => {
      count++;
      happened.resolve();
    });
    for (const directory of v1.values()) writeFileSync(join(directory, 'cgroup.procs'), `${child.pid}`);
    expect(await cgroupOf(child.pid as number, layout)).toMatchObject({ kind: layout.kind });
    expect((await cgroupOf(child.pid as number, layout))?.v1.get('memory')).toBe(memory);
    expect(await readCgroupStats(paths)).toMatchObject({
      version: 1,
      pids: { current: 1n, limit: undefined },
      memory: { usage: { limit: 16n << 20n }, oomControl: { oom_kill: 0n } },
    });
    child.stdin.write('\n');
    await happened.promise;
    expect(await exited).toEqual([null, 'SIGKILL']);
    const stats = await readCgroupStats(paths);
    expect(stats.memory).toMatchObject({ oomControl: { oom_kill: 1n } });
    expect(await readOomKills(paths)).toBe(1n);
    expect(stats.version === 1 && stats.cpu?.totalNs).toBeGreaterThan(0n);
    await remove(v1.values());
    while (poller.size > 0) await delay(5);
    expect(count).toBe(1);
  } finally {
    child.kill('SIGKILL');
    await exited;
    await remove([...v1.values()].filter((directory) => existsSync(directory)));
  }
});

/** A cgroup stays busy for a moment after its last process was reaped. */
async function remove(directories: Iterable<string>): Promise<void> {
  for (const directory of directories) {
    for (let attempt = 0; ; attempt++) {
      try {
        rmdirSync(directory);
        break;
      } catch (e) {
        if (!hasCode(e, 'EBUSY') || attempt === 100) throw e;
      }
      await delay(20);
    }
  }
}
