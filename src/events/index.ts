export type { Observable } from 'rxjs';
export * from './bridge.ts';
export * from './hub.ts';
export * from './types.ts';
export * from './watch.ts';
export * from './window.ts';
