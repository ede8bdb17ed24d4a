import type { Runner } from './kit.ts';

interface Bound<Case, Subject> {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly run: (one: Case, subject: Subject) => Promise<void>;
  readonly skipped: (one: Case, subject: Subject) => string | undefined;
}

interface Named {
  readonly name: string;
  readonly differences?: Readonly<Record<string, string>> | undefined;
}

/** Makes a test of every case; of one that the subject is known to break, that it does. */
export function bindCases<Case extends { readonly id: string }, Subject extends Named>(
  { name, cases, run, skipped }: Bound<Case, Subject>,
  subject: Subject,
  runner: Runner,
): void {
  const { differences } = subject;
  runner.describe(`${name}: ${subject.name}`, () => {
    for (const one of cases) {
      const reason = skipped(one, subject);
      const difference = differences && Object.hasOwn(differences, one.id) ? differences[one.id] : undefined;
      const body = () => run(one, subject);
      if (reason !== undefined) runner.skip(`${one.id} (${reason})`, body);
      else if (difference === undefined) runner.test(one.id, body);
      else runner.test(`${one.id} differs: ${difference}`, () => mustFail(one.id, body()));
    }
    if (differences === undefined) return;
    runner.test('the list of differences names cases', async () => {
      const ids = new Set(cases.map(({ id }) => id));
      const unknown = Object.keys(differences).filter((id) => !ids.has(id));
      if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')}`);
    });
  });
}

async function mustFail(id: string, running: Promise<void>): Promise<void> {
  const failed = await running.then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error(`${id}: is kept after all; take it off the list of differences`);
}
