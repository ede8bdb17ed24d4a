// The one thing behind `npm start`, `npm test`, `npm run bench` and the like: installs what is missing, builds, and
// hands over to the real script on the Node that this repository pins. Plain JavaScript for any Node since 18.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installModules } from './modules.mjs';
import { installTools, PATH } from './system.mjs';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const bin = join(root, 'node_modules', '.bin');

const TEST_TOOLS = [
  ...['runc', 'busybox', 'ctr', 'docker-registry', 'curl', 'openssl'],
  ...['python3', 'mkfs.ext4', 'mkfs.xfs', 'mkfs.btrfs', 'losetup', 'script', 'setpriv', 'tmux', 'strace'],
  'groff',
];

/** What each command needs of the system, and the script that does the work. */
const COMMANDS = {
  start: { tools: ['runc', 'busybox'], script: 'tools/start/main.ts', bundle: true },
  test: { tools: TEST_TOOLS, script: 'tools/test/main.mjs', bundle: true },
  'test:long': {
    tools: [...TEST_TOOLS, 'skopeo', 'umoci', 'zsh', 'fish', 'chromium'],
    script: 'tools/test/main.mjs',
    args: ['--long'],
    bundle: true,
  },
  bench: {
    tools: ['runc', 'busybox', 'ctr', 'docker-registry'],
    script: 'tools/bench/main.ts',
    bundle: true,
  },
  rehearse: {
    tools: ['runc', 'busybox', 'ctr', 'docker-registry', 'mkfs.ext4'],
    script: 'tools/release/rehearse/main.ts',
    bundle: true,
  },
  tarball: { tools: [], script: 'tools/release/tarball/main.ts', bundle: true },
  docs: { tools: [], script: 'tools/docs/main.mjs', bundle: false },
  build: { tools: [], script: undefined, bundle: true },
  lint: { tools: [], script: 'tools/test/main.mjs', args: ['--only=checks'], bundle: false },
};

const [name = '', ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  console.error(`unknown command ${JSON.stringify(name)}; there are: ${Object.keys(COMMANDS).join(', ')}`);
  process.exit(2);
}

installModules(root);
if (!installTools(command.tools)) process.exit(1);
const node = existsSync(join(bin, 'node')) ? join(bin, 'node') : process.execPath;
const env = { ...process.env, PATH: `${bin}${delimiter}${PATH}` };
if (command.bundle) run('tools/bundle.mjs', []);
if (command.script !== undefined) run(command.script, [...(command.args ?? []), ...args]);

function run(script, scriptArgs) {
  const flags = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const { status, signal, error } = spawnSync(node, [...flags, join(root, script), ...scriptArgs], {
    stdio: 'inherit',
    env,
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}
