export * from './cache.ts';
export * from './commit.ts';
export * from './dead-letters.ts';
export * from './durable.ts';
export * from './folders.ts';
export * from './journal.ts';
export * from './ledger.ts';
export * from './lock.ts';
