// node tools/faults/main.ts [NAME|all]: harms a daemon and its containers and says what it lost. See README.md.
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nemeses } from './src/nemeses/index.ts';
import type { Form } from './src/nemeses/nemesis.ts';
import { type Outcome, play } from './src/play.ts';

const USAGE = `node --conditions=stowage-source tools/faults/main.ts [all|${nemeses.map(({ name }) => name).join('|')}]
  --rounds N    instead of those of the form
  --seed S      repeats what the clients do, as far as time lets
  --form F      short (default), ci, long
  --clients N   how many work at once; 6
  --daemon F    another stowaged.js than the checkout's`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    form: { type: 'string', default: process.env.STOWAGE_LONG === '1' ? 'long' : 'short' },
    clients: { type: 'string' },
    daemon: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [wanted = 'all'] = positionals;
const chosen = nemeses.filter(({ name }) => wanted === 'all' || wanted === name);
if (values.help || chosen.length === 0 || !['short', 'ci', 'long'].includes(values.form)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const seed = number(values.seed) ?? Math.floor(Math.random() * 1e9);
const stop = new AbortController();
// More than once too: a group and its leader may both be told, and what is mounted must be unmounted.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());

for (const nemesis of chosen) {
  if (stop.signal.aborted) break;
  const outcome = await play(nemesis, {
    form: values.form as Form,
    rounds: number(values.rounds),
    seed,
    signal: stop.signal,
    entry: values.daemon,
    clients: number(values.clients),
  });
  console.log(JSON.stringify(outcome));
  console.log(told(outcome));
  tally(outcome);
  if (outcome.violation !== undefined) process.exitCode = 1;
}
if (stop.signal.aborted) process.exitCode = 130;

function told({ nemesis, rounds, acknowledged, lost, torn, other, seconds, ...rest }: Outcome): string {
  if (rest.skipped !== undefined) return `SKIPPED ${nemesis}: ${rest.skipped}`;
  const sum = `${rounds} rounds, ${acknowledged} acknowledged operations, ${lost} lost, ${torn} torn`;
  const line = `${nemesis}: ${sum}, ${other} other, seed ${rest.seed}, ${seconds} s`;
  const figures = Object.entries(rest.figures ?? {}).map(([name, value]) => `${name} ${value}`);
  if (rest.violation === undefined)
    return [line, ...(figures.length > 0 ? [`  ${figures.join(', ')}`] : [])].join('\n');
  return `${line}\nFAILED ${nemesis}: ${rest.violation}\n  root, journal.jsonl, violations.json, daemon.log: in ${rest.kept}`;
}

/** Counts rounds as tests into the sum of `npm test`. */
function tally({ rounds, violation, skipped }: Outcome): void {
  const file = process.env.STOWAGE_TALLY;
  if (file === undefined) return;
  const failed = violation === undefined ? 0 : 1;
  const counts = { passed: rounds - failed, failed, skipped: skipped === undefined ? 0 : 1 };
  appendFileSync(file, `${JSON.stringify(counts)}\n`);
}
