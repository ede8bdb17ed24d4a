import manifest from '../package.json' with { type: 'json' };

// Who reads our output may leave before we are done, as "head" does.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code !== 'EPIPE') throw e;
});

const args = process.argv.slice(2);
try {
  // Scripts ask for it often, and need not wait for a parser.
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-v'))
    process.stdout.write(`${manifest.version}\n`);
  else {
    const { programFor } = await import('./program.ts');
    const program = await programFor(args);
    await program.parseAsync();
  }
} catch (e) {
  const { report } = await import('./failure.ts');
  process.exitCode = report(e);
}
