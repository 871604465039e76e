export * from './fuse.ts';
export * from './logistic.ts';
