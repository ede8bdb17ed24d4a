// Starts a command's bundle on a Node that is new enough. Plain JavaScript that any Node since 18 reads, because
// the point is to run before anything newer is needed.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @param {URL} bundle - the command, as one file.
 */
export async function launch(bundle) {
  const file = fileURLToPath(bundle);
  if (!existsSync(file)) fail(`${file} is not built: run "npm run build" first`);
  if (goodEnough(process.versions.node)) {
    process.argv[1] = file;
    await import(bundle.href);
    return;
  }
  const node = pinnedNode(file);
  if (node === undefined) {
    fail(`needs Node 22.23.2 or later of 22, or 24.18.1 or later; this is v${process.versions.node}`);
  }
  // Here, as loading it takes a while, and most have no need of it.
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH']) {
    // A terminal sends what its keys stand for to both; passed on, it would count as pressed twice.
    const byKey = signal === 'SIGINT' || signal === 'SIGQUIT';
    process.on(signal, () => (byKey && process.stdin.isTTY) || child.kill(signal));
  }
  child.on('error', (e) => fail(`cannot start ${node}: ${e.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function goodEnough(version) {
  const [major, minor, patch] = version.split('.').map(Number);
  if (major === 22) return minor > 23 || (minor === 23 && patch >= 2);
  if (major === 24) return minor > 18 || (minor === 18 && patch >= 1);
  return major > 24;
}

/** The Node that a checkout pins by npm. */
function pinnedNode(file) {
  try {
    const manifest = createRequire(file).resolve(`node-${process.platform}-${process.arch}/package.json`);
    const node = join(dirname(manifest), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
