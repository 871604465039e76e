export * from './errors.ts';
export * from './near.ts';
export * from './operator.ts';
export * from './params.ts';
export * from './pipeline.ts';
export * from './units.ts';
