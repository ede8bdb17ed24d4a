const CAPABILITIES = ['CAP_KILL'];

/** JSON of runtime-spec Process: a script of busybox's shell. */
export function processOf(script: string, terminal: boolean) {
  return {
    terminal,
    user: { uid: 0, gid: 0 },
    args: ['/bin/sh', '-c', script],
    env: ['PATH=/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
  };
}

/** JSON of runtime-spec Spec, as small as it works. */
export function specOf(script: string, terminal: boolean, cgroupsPath: string) {
  return {
    ociVersion: '1.0.2',
    process: processOf(script, terminal),
    root: { path: 'rootfs', readonly: false },
    hostname: 'kit',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: {
      cgroupsPath,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
}
