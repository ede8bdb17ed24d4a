import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that a command may need, and the Debian package that brings each. */
const PACKAGES = {
  runc: 'runc',
  busybox: 'busybox-static',
  ctr: 'containerd',
  'docker-registry': 'docker-registry',
  curl: 'curl',
  openssl: 'openssl',
  python3: 'python3',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
  losetup: 'mount',
  script: 'bsdutils',
  setpriv: 'util-linux',
  tmux: 'tmux',
  strace: 'strace',
  skopeo: 'skopeo',
  umoci: 'umoci',
  chromium: 'chromium',
  groff: 'groff-base',
  zsh: 'zsh',
  fish: 'fish',
};

/** Where Debian keeps what root runs; the path of somebody's shell may lack them. */
export const PATH = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;

/**
 * Installs by apt what is missing. Without root or apt, says one line per missing thing and how to get it.
 *
 * @returns whether everything is there.
 */
export function installTools(names) {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && names.includes('runc')) {
    console.error(
      'missing: root, to mount file systems and run containers. Get it with: sudo, before the same command',
    );
  }
  const missing = names.filter((name) => !onPath(name));
  if (missing.length === 0) return isRoot || !names.includes('runc');
  const packages = missing.map((name) => PACKAGES[name]);
  if (isRoot && onPath('apt-get')) {
    console.error(`installing ${packages.join(', ')} (apt-get)`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
    apt('update');
    const { status, stdout, stderr } = apt('install', '-y', '--no-install-recommends', ...packages);
    if (status !== 0) console.error(`${stdout}${stderr}`);
  }
  const still = missing.filter((name) => !onPath(name));
  for (const name of still)
    console.error(`missing: ${name}. Get it with: sudo apt-get install ${PACKAGES[name]}`);
  return still.length === 0 && (isRoot || !names.includes('runc'));
}

function onPath(name) {
  return PATH.split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
