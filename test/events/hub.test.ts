import { expect, it } from 'vitest';
import { EventHub, type RunEvent } from '../../src/events/index.ts';

it('those who subscribe late hear of the first bad rows, those who were there of all', () => {
  const hub = new EventHub();
  const early: RunEvent[] = [];
  const late: RunEvent[] = [];
  hub.events.subscribe(e => early.push(e));
  hub.emit({ type: 'start', pipeline: 'p', steps: [] });
  for (let i = 0; i < 5000; i++) hub.emit({ type: 'dead-letter', step: 's', where: `${i}`, message: 'no' });
  hub.emit({ type: 'open', step: 's', ms: 1 });
  hub.events.subscribe(e => late.push(e));
  hub.emit({ type: 'dead-letter', step: 's', where: 'last', message: 'no' });
  expect(early).toHaveLength(5003);
  expect(late.map(e => (e.type === 'dead-letter' ? e.where : e.type))).toEqual([
    'start',
    ...Array.from({ length: 100 }, (_, i) => `${i}`),
    'open',
    'last',
  ]);
});
