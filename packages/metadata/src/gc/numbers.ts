/** A list of numbers outside of the heap, where a hundred thousand of them are no work for V8's own garbage collection. */
export class Numbers<A extends Int32Array | Uint32Array | Uint8Array> {
  readonly #make: (length: number) => A;
  #array: A;

  constructor(make: (length: number) => A, capacity = 256) {
    this.#make = make;
    this.#array = make(capacity);
  }

  /** 0 where nothing was set. */
  at(index: number): number {
    return this.#array[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#array.length) {
      const longer = this.#make(Math.max(index + 1, this.#array.length * 2));
      longer.set(this.#array);
      this.#array = longer;
    }
    this.#array[index] = value;
  }
}

export const int32 = (length: number): Int32Array => new Int32Array(length);
export const uint32 = (length: number): Uint32Array => new Uint32Array(length);
export const uint8 = (length: number): Uint8Array => new Uint8Array(length);
