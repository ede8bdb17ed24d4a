import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import {
  withCapabilities,
  withCgroupMount,
  withHostname,
  withPrivileged,
  withRootfsReadonly,
  withUser,
} from '../src/index.ts';
import { inContainer } from './in-container.ts';

test('runc runs the default spec, and the process has no more than it says', async () => {
  const { code, stdout, stderr } = await inContainer(
    `$B grep -E "^(Cap|NoNewPrivs|Groups)" /proc/self/status
    $B id -u; $B id -G; $B pwd; echo $PATH; $B ls /proc/self/fd | $B wc -l; $B hostname
    $B cat /proc/keys /proc/timer_list 2>/dev/null | $B wc -c; $B ls -A /sys/firmware | $B wc -l
    echo x > /proc/sys/kernel/hostname || echo proc is read-only
    $B mkdir /sys/x || echo sys is read-only
    $B mknod /dev/kmsg c 1 11 || echo no nodes`,
    withHostname('box'),
  );
  expect({ code, stderr: stderr.split('\n').filter((l) => l.includes('level=')) }).toEqual({
    code: 0,
    stderr: [],
  });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim());
  // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE.
  const nine = '00000000000005fb';
  expect(lines).toEqual([
    'Groups: 0',
    'CapInh: 0000000000000000',
    `CapPrm: ${nine}`,
    `CapEff: ${nine}`,
    `CapBnd: ${nine}`,
    'CapAmb: 0000000000000000',
    'NoNewPrivs: 1',
    '0',
    '0',
    '/',
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // ls itself has the directory open.
    '4',
    'box',
    '0',
    '0',
    'proc is read-only',
    'sys is read-only',
    'no nodes',
  ]);
});

test('runc runs as the user that is asked for, in its groups', async () => {
  const group = Buffer.from('video:x:44:web\nweb:x:1000:web\n');
  const lookup = async () => ({ passwd: Buffer.from('web:x:1000:1000::/:/bin/sh\n'), group });
  const { stdout } = await inContainer(
    '$B id -u; $B id -g; $B id -G; $B grep CapEff /proc/self/status; $B mkdir /x 2>/dev/null || echo denied',
    withUser('web', lookup),
    withRootfsReadonly(),
  );
  expect(stdout.replace(/\t/g, ' ')).toBe('1000\n1000\n1000 44\nCapEff: 0000000000000000\ndenied\n');
});

test('runc gives what was dropped to nobody, and all to the privileged', async () => {
  const script =
    '$B grep -E "^Cap(Inh|Bnd)" /proc/self/status; $B ls /sys/fs/cgroup | $B head -c 1 | $B wc -c';
  const dropped = await inContainer(script, withCapabilities({ drop: ['all'] }), withCgroupMount());
  expect(dropped.stdout.replace(/\t/g, ' ')).toBe('CapInh: 0000000000000000\nCapBnd: 0000000000000000\n1\n');
  const all = await inContainer(`${script}; $B mknod /dev/kmsg c 1 11 && echo made`, withPrivileged());
  const host = /^CapBnd:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  expect(all.stdout.replace(/\t/g, ' ')).toContain(`CapInh: 0000000000000000\nCapBnd: ${host}\n`);
  expect(all.stdout).toContain('made');
});
