import type { FakeProcessContext, FakeProgram } from '../src/index.ts';

const never = ({ signal }: FakeProcessContext) =>
  new Promise<number>((resolve) => signal.addEventListener('abort', () => resolve(0), { once: true }));

/** A line of the input, without its end. The rest of it is dropped. */
async function line({ stdin }: FakeProcessContext): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text.replace(/\n.*/s, '');
}

const got =
  (code: number): FakeProgram =>
  async (process) => {
    process.stdout.write(`got ${await line(process)}\n`);
    return code;
  };

const sizeOf = ({ terminalSize }: FakeProcessContext) => `${terminalSize?.height} ${terminalSize?.width}\n`;

/** The scripts of the kit, each as a function. */
const SCRIPTS: Readonly<Record<string, FakeProgram>> = {
  true: () => 0,
  'sleep 100': never,
  'while :; do sleep 0.05; done': never,
  'echo hello; exit 42'({ stdout }) {
    stdout.write('hello\n');
    return 42;
  },
  'read x; echo "got $x"': got(0),
  'read x; echo "got $x"; exit 7': got(7),
  'i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done'({ stdout }) {
    for (let i = 0; i < 5000; i++) stdout.write(`line ${i}\n`);
    return 0;
  },
  'echo out; echo err >&2'({ stdout, stderr }) {
    stdout.write('out\n');
    stderr.write('err\n');
    return 0;
  },
  async 'cat; exit 4'({ stdin, stdout }) {
    for await (const chunk of stdin) stdout.write(chunk);
    return 4;
  },
  async 'stty size; read x; stty size'(process) {
    process.stdout.write(sizeOf(process));
    await line(process);
    process.stdout.write(sizeOf(process));
    return 0;
  },
  'trap "exit 3" TERM; while :; do sleep 0.05; done': (process) =>
    new Promise((resolve) => process.on('SIGTERM', () => resolve(3))),
};

/** A shell that knows the scripts of the kit. */
export const sh: FakeProgram = (process) => {
  const [, , script = ''] = process.args;
  const [, code] = /^exit (\d+)$/.exec(script) ?? [];
  if (code !== undefined) return Number(code);
  const program = SCRIPTS[script];
  if (program === undefined) throw new Error(`no such script: ${script}`);
  return program(process);
};
