export * from './analysis/index.ts';
export * from './sparse/index.ts';
