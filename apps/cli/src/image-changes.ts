import { Fault, quote } from '@stowage/core';
import type { ConfigJson } from '@stowage/oci-image';
import { overrideEnv } from '@stowage/oci-spec';

type Change = (config: ConfigJson) => ConfigJson;

/**
 * What instructions of a Dockerfile make of an image's config, in their order.
 *
 * @throws Fault `invalid_argument` for one that is not known, or makes no sense.
 */
export function changeConfig(instructions: readonly string[]): Change {
  const changes = instructions.map(changeOf);
  return (config) => changes.reduce((changed, change) => change(changed), config);
}

function changeOf(instruction: string): Change {
  const [, word = '', rest = ''] = /^\s*(\w+)\s+(.*?)\s*$/s.exec(instruction) ?? [];
  const fail = (reason: string) => new Fault('invalid_argument', `--change ${quote(instruction)}: ${reason}`);
  if (rest === '') throw fail('expected an instruction and what it says, such as USER 1000');
  switch (word.toUpperCase()) {
    case 'CMD':
      return (config) => ({ ...config, Cmd: commandOf(rest) });
    case 'ENTRYPOINT':
      // As in a Dockerfile: what was the default command of another entrypoint is none of this one.
      return ({ Cmd: _, ...config }) => ({ ...config, Entrypoint: commandOf(rest) });
    case 'ENV': {
      const variables = pairsOf(rest).map(([name, value]) => `${name}=${value}`);
      if (variables.length === 0) throw fail('expected NAME=value');
      return (config) => ({ ...config, Env: overrideEnv([...(config.Env ?? [])], variables) });
    }
    case 'LABEL': {
      const labels = pairsOf(rest);
      if (labels.length === 0) throw fail('expected name=value');
      return (config) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(labels) } });
    }
    case 'EXPOSE': {
      const ports = portsOf(rest, fail);
      return (config) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...ports } });
    }
    case 'VOLUME':
      return (config) => ({
        ...config,
        Volumes: { ...config.Volumes, ...keys(listOf(rest) ?? rest.split(/\s+/)) },
      });
    case 'USER':
      return (config) => ({ ...config, User: rest });
    case 'WORKDIR':
      if (!rest.startsWith('/')) throw fail('expected an absolute path');
      return (config) => ({ ...config, WorkingDir: rest });
    case 'STOPSIGNAL':
      return (config) => ({ ...config, StopSignal: rest });
    default:
      throw fail('CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR are known');
  }
}

/** A list in JSON, or a line for the shell. */
function commandOf(text: string): readonly string[] {
  return listOf(text) ?? ['/bin/sh', '-c', text];
}

function listOf(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `NAME=value OTHER="two words"`, or `NAME the rest`. */
function pairsOf(text: string): Array<[string, string]> {
  if (!/^[^\s=]+=/.test(text)) {
    const [, name, value] = /^(\S+)\s+(.+)$/s.exec(text) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  }
  return [...text.matchAll(/([^\s=]+)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\]|\\.)*)/gs)].map(
    ([, name = '', value = '']) => [name, unquoted(value)],
  );
}

function unquoted(value: string): string {
  if (value.startsWith("'")) return value.slice(1, -1);
  return (value.startsWith('"') ? value.slice(1, -1) : value).replace(/\\(.)/gs, '$1');
}

function portsOf(text: string, fail: (reason: string) => Fault): Record<string, object> {
  const ports = text.split(/\s+/).map((port) => (port.includes('/') ? port : `${port}/tcp`));
  const bad = ports.find((port) => !/^\d{1,5}(-\d{1,5})?\/(tcp|udp|sctp)$/.test(port));
  if (bad !== undefined) throw fail(`${quote(bad)} is no port, as 80 or 53/udp is`);
  return keys(ports);
}

const keys = (names: readonly string[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [name, {}]));
