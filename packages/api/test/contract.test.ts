import { readFileSync } from 'node:fs';
import { type DescField, type DescFile, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { expect, test } from '@jest/globals';
import { files } from '../src/registry.ts';

/** One proto file of containerd's API. Names of messages and enums are relative to `package`. */
interface Contract {
  package: string;
  /** Service, then method: request and response type. */
  services: Record<string, Record<string, [string, string]>>;
  /** Message, then field: number and type. */
  messages: Record<string, Record<string, [number, string]>>;
  enums: Record<string, Record<string, number>>;
}

/** What other implementations of the API have compiled in, by path of the file. It grows; nothing in it changes. */
const contract: Record<string, Contract> = JSON.parse(
  readFileSync(new URL('./contract.json', import.meta.url), 'utf8'),
);

function scalar(type: ScalarType): string {
  return ScalarType[type].toLowerCase();
}

function fieldType(field: DescField): string {
  const one = (): string => {
    if (field.message) return field.message.typeName;
    if (field.enum) return field.enum.typeName;
    if (field.scalar) return scalar(field.scalar);
    throw new Error(`${field} has no type`);
  };
  if (field.fieldKind === 'map') return `map<${scalar(field.mapKey)}, ${one()}>`;
  if (field.fieldKind === 'list') return `repeated ${one()}`;
  if (field.oneof) return `oneof ${field.oneof.name} ${one()}`;
  return field.proto.proto3Optional ? `optional ${one()}` : one();
}

function methodTypes(method: DescMethod): [string, string] {
  const { clientStreaming, serverStreaming } = method.proto;
  return [
    `${clientStreaming ? 'stream ' : ''}${method.input.typeName}`,
    `${serverStreaming ? 'stream ' : ''}${method.output.typeName}`,
  ];
}

function shape(file: DescFile): Contract {
  const result: Contract = { package: file.proto.package, services: {}, messages: {}, enums: {} };
  for (const type of nestedTypes(file)) {
    const name = type.typeName.slice(file.proto.package.length + 1);
    switch (type.kind) {
      case 'service':
        result.services[name] = Object.fromEntries(type.methods.map((m) => [m.name, methodTypes(m)]));
        break;
      case 'message':
        result.messages[name] = Object.fromEntries(
          type.fields.map((f) => [f.name, [f.number, fieldType(f)]]),
        );
        break;
      case 'enum':
        result.enums[name] = Object.fromEntries(type.values.map((v) => [v.name, v.number]));
        break;
      default:
        throw new Error(`the contract has no place for ${type}`);
    }
  }
  return result;
}

/** Stowage's own additions are no part of that contract. */
const published = files.filter((file) => !file.name.startsWith('stowage/'));

test('the files are those of the contract, at the paths by which others import them', () => {
  expect(published.map((f) => `${f.name}.proto`).sort()).toEqual(Object.keys(contract).sort());
});

test.each(published.map((f) => [`${f.name}.proto`, f] as const))(
  '%s says what the contract says',
  (path, file) => {
    expect(shape(file)).toEqual(contract[path]);
  },
);
