import { geography, government } from './land.ts';
import { communications, energy, military, transnational, transportation } from './networks.ts';
import { economy, people } from './society.ts';
import type { Template } from './template.ts';

/** In the order the derived questions stand in the file. */
export const TEMPLATES: readonly Template[] = [
  ...government,
  ...geography,
  ...people,
  ...economy,
  ...energy,
  ...communications,
  ...transportation,
  ...military,
  ...transnational,
];
