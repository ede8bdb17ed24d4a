import type { DescField, DescMessage } from '@bufbuild/protobuf';

/** The message that a field, or the list or map in it, holds. */
export function messageOf(field: DescField): DescMessage | undefined {
  return field.message;
}

export function isAny(desc: DescMessage): boolean {
  return desc.typeName === 'google.protobuf.Any';
}

export function isMask(desc: DescMessage): boolean {
  return desc.typeName === 'google.protobuf.FieldMask';
}

/** Well-known types that are not written field by field; inside an Any they go under `value`. */
export function hasOwnForm(desc: DescMessage): boolean {
  return OWN_FORM.has(desc.typeName);
}

const OWN_FORM: ReadonlySet<string> = new Set(
  (
    'Any Duration Empty FieldMask ListValue Struct Timestamp Value BoolValue BytesValue DoubleValue FloatValue ' +
    'Int32Value Int64Value StringValue UInt32Value UInt64Value'
  )
    .split(' ')
    .map((name) => `google.protobuf.${name}`),
);

/** The type in an URL: what follows the last slash, which containerd leaves out. */
export function nameInUrl(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}
