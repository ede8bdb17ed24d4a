import type { RequestListener } from 'node:http';
import { endlessly, fetchBlob } from './answers.ts';
import { type Misbehaviour, type Scene, SECRETS } from './scene.ts';

/** A registry that wants tokens of a realm, and takes none. */
const wanting =
  (realm: (scene: Scene) => string, more: (scene: Scene) => RequestListener = () => () => undefined) =>
  (scene: Scene): RequestListener =>
  (request, response) => {
    if (request.url?.startsWith('/token')) return more(scene)(request, response);
    const challenge = `Bearer realm="${realm(scene)}",service="registry",scope="repository:x:pull"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  };

const own = ({ own: { origin } }: Scene) => `${origin}/token`;
const token: RequestListener = (_, response) => void response.end(`{"token":"${SECRETS.token}"}`);
const said =
  (body: string, status = 200) =>
  (): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);
const identity = {
  credentials: ({ host }: { host: string }) =>
    host.startsWith('127.0.0.1') ? { identityToken: SECRETS.identityToken } : undefined,
};

function notAsked({ other }: Scene): void {
  if (other.log.length !== 0) throw new Error('the other host was asked');
}

/** Where tokens are to be had. */
const all: readonly Misbehaviour[] = [
  {
    id: 'realm-at-other-host',
    answer: wanting(({ other }) => `${other.origin}/token`),
    elsewhere: token,
    ask: fetchBlob,
    kind: 'unauthenticated',
    says: /no credentials were sent to its realm http:\/\/127\.0\.0\.2/,
    check: ({ other }) => {
      const [asked] = other.log;
      if (asked === undefined || asked.headers.authorization !== undefined)
        throw new Error('it was not asked anonymously');
      if (asked.line.includes('account=')) throw new Error('the user was named');
    },
  },
  {
    id: 'realm-at-other-host-for-identity',
    answer: wanting(({ other }) => `${other.origin}/token`),
    options: identity,
    elsewhere: token,
    ask: fetchBlob,
    kind: 'unauthenticated',
    check: ({ other }) => {
      if (other.log.some(({ line }) => line.startsWith('POST'))) throw new Error('the identity was shown');
    },
  },
  {
    id: 'realm-is-metadata-service',
    answer: wanting(() => 'http://169.254.169.254/token'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'realm-is-file',
    answer: wanting(() => 'file:///etc/passwd'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'realm-is-socket',
    answer: wanting(() => 'unix:///run/x.sock'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  { id: 'realm-is-nothing', answer: wanting(() => ''), ask: fetchBlob, kind: 'permission_denied' },
  {
    id: 'realm-has-password',
    answer: wanting(({ other }) => `http://a:b@${other.host}/token`),
    ask: fetchBlob,
    kind: 'permission_denied',
    check: notAsked,
  },
  {
    id: 'realm-not-encrypted',
    isSecure: true,
    answer: wanting(({ other }) => `${other.origin}/token`),
    ask: fetchBlob,
    kind: 'permission_denied',
    says: /not encrypted/,
    check: notAsked,
  },
  {
    id: 'realm-endless',
    answer: wanting(own, () => (_, response) => endlessly(response)),
    ask: fetchBlob,
    kind: 'resource_exhausted',
  },
  { id: 'realm-silent', answer: wanting(own), ask: fetchBlob, kind: 'unavailable', says: /get token/ },
  {
    id: 'realm-redirects',
    answer: wanting(
      own,
      ({ other }) =>
        (_, response) =>
          void response.writeHead(307, { location: other.origin }).end(),
    ),
    elsewhere: token,
    ask: fetchBlob,
    kind: 'unauthenticated',
  },
  {
    id: 'realm-redirects-identity',
    answer: wanting(
      own,
      ({ other }) =>
        (_, response) =>
          void response.writeHead(307, { location: other.origin }).end(),
    ),
    options: identity,
    elsewhere: token,
    ask: fetchBlob,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'realm-token-ends-header',
    answer: wanting(own, said('{"token":"a\\r\\nx: y"}')),
    ask: fetchBlob,
    kind: 'unauthenticated',
  },
  {
    id: 'realm-token-is-number',
    answer: wanting(own, said('{"token":5}')),
    ask: fetchBlob,
    kind: 'unauthenticated',
  },
  {
    id: 'realm-echoes-secret',
    answer: wanting(own, said(`${SECRETS.password} ${SECRETS.token}`)),
    ask: fetchBlob,
    kind: 'unauthenticated',
    says: /no JSON/,
  },
  {
    id: 'realm-packed',
    answer: wanting(
      own,
      () => (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  { id: 'realm-denies', answer: wanting(own, said('{}', 403)), ask: fetchBlob, kind: 'permission_denied' },
  {
    id: 'realm-never-satisfies',
    answer: wanting(own, () => token),
    ask: fetchBlob,
    kind: 'unauthenticated',
    check: ({ own: { log } }) => {
      const tokens = log.filter(({ line }) => line.includes('/token')).length;
      if (tokens !== 1) throw new Error(`${tokens} tokens were got`);
    },
  },
  {
    id: 'password-never-satisfies',
    answer: () => (_, response) =>
      void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    ask: fetchBlob,
    kind: 'unauthenticated',
    says: /refused/,
    check: ({ own: { log } }) => {
      // Without and with the password, and not once more.
      if (log.length !== 2) throw new Error(`it was asked ${log.length} times`);
    },
  },
  {
    id: 'challenge-very-long',
    answer: () => (_, response) =>
      void response.writeHead(401, { 'www-authenticate': `Bearer ${'a="b",'.repeat(1500)}` }).end(),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'challenge-unknown',
    answer: () => (_, response) =>
      void response.writeHead(401, { 'www-authenticate': 'Negotiate abc' }).end(),
    ask: fetchBlob,
    kind: 'unauthenticated',
  },
];

/** The challenge has to reach those who have shown nothing. */
export const realms: readonly Misbehaviour[] = all.map((one) => ({ isOpen: true, ...one }));
