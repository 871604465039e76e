export * from './access.ts';
export * from './build.ts';
export * from './bytes.ts';
export * from './gather.ts';
export * from './hash.ts';
export * from './ipc.ts';
export * from './row-codec.ts';
export * from './types.ts';
