import { cors } from '@connectrpc/connect';
import type { NodeRequest, NodeResponse } from './messages.ts';

/** Which pages a browser may show that call. */
export interface WebGate {
  /** As browsers send them, `https://ops.example:8443`. Others may not call. */
  readonly origins: readonly string[];
  /** Names by which the server is called, without ports. What is called by another one has been led here. */
  readonly hosts: readonly string[];
}

type Answer = (request: NodeRequest, response: NodeResponse) => void;

/**
 * Lets pages of some origins call, and no others; and refuses requests for hosts that this is none of, as those of a page
 * whose own name was pointed here. Clients that are no browsers send no origin; theirs of gRPC may use any name.
 */
export function gated(answer: Answer, { origins, hosts }: WebGate): Answer {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      if (isGrpc(request) || known.has(hostOf(request))) answer(request, response);
      else refuse(response, 421, `this is not ${hostOf(request) || 'a host without a name'}`);
      return;
    }
    if (!origins.includes(origin))
      return refuse(response, 403, `pages of ${origin} may not call this server`);
    if (!known.has(hostOf(request))) return refuse(response, 421, `this is not ${hostOf(request)}`);
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('vary', 'origin');
    response.setHeader('access-control-expose-headers', cors.exposedHeaders.join(', '));
    if (request.method !== 'OPTIONS') return answer(request, response);
    response.setHeader('access-control-allow-methods', cors.allowedMethods.join(', '));
    response.setHeader('access-control-allow-headers', [...cors.allowedHeaders, ...SCOPE].join(', '));
    response.setHeader('access-control-max-age', '7200');
    response.statusCode = 204;
    response.end();
  };
}

/** Headers by which callers say in whose name they call. */
const SCOPE = ['containerd-namespace', 'containerd-lease', 'traceparent', 'tracestate'];

const isGrpc = ({ headers }: NodeRequest) =>
  headers['content-type']?.startsWith('application/grpc') === true &&
  !headers['content-type'].startsWith('application/grpc-web');

function hostOf({ headers }: NodeRequest): string {
  const authority = String(headers[':authority'] ?? headers.host ?? '');
  return authority
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

function refuse(response: NodeResponse, status: number, why: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${why.replace(/[^\x20-\x7e]/g, '?')}\n`);
}
