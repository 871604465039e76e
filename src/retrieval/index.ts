export * from './analysis/index.ts';
export * from './dense/index.ts';
export * from './fusion/index.ts';
export * from './late/index.ts';
export * from './sparse/index.ts';
