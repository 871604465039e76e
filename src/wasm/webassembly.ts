/** The part of the WebAssembly interface that is used; the compiler knows it only with the DOM's types. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Grows by pages of 64 KiB; throws RangeError where that cannot be. */
  grow(pages: number): number;
}

interface Interface {
  Memory: new (limits: { initial: number; maximum?: number }) => Memory;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: Record<string, Record<string, Memory>>) => { exports: unknown };
}

export const { WebAssembly } = globalThis as unknown as { WebAssembly: Interface };
