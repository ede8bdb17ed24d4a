import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { end } from './process.ts';

/** Binds to argv[0], says so, then prints each datagram on a line of its own. Node has no unix datagrams. */
const RECEIVE = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
my $path = $ARGV[0]; $path =~ s/^@/\\0/;
bind($s, pack('S a*', AF_UNIX, $path)) or die $!;
print "bound\\n";
while (defined recv($s, my $d, 65536, 0)) { $d =~ s/\\n/\\\\n/g; print "$d\\n"; }
`;

/** A unix datagram socket that keeps what it is told, as a service manager's does. */
export class NotifySocket implements AsyncDisposable {
  readonly path: string;
  /** As they came. */
  readonly messages: string[] = [];
  readonly #child: ChildProcess;

  private constructor(path: string, child: ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  /** @param path - of the socket; one that begins with `@` is abstract. */
  static async open(path: string): Promise<NotifySocket> {
    const child = spawn('perl', ['-e', RECEIVE, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const socket = new NotifySocket(path, child);
    const bound = Promise.withResolvers<void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'bound') bound.resolve();
      else socket.messages.push(line.replaceAll('\\n', '\n'));
    });
    child.on('error', bound.reject);
    child.on('exit', (code) => bound.reject(new Error(`perl ended with ${code}`)));
    await bound.promise;
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}
