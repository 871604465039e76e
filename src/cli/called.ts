/** How this command line is called where it is: through npm in the checkout, through npx in a project. */
import { join, relative } from 'node:path';
import { commandIsNear, isInstalled, packageFolder } from './package.ts';

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The script that Node was given. */
  readonly script: string | undefined;
}

/** What stands for `millrace` in commands that are shown. */
export function commandName({ env, cwd, script }: Surroundings): string {
  // what npx runs may be another program that calls this one
  const byNpx = env.npm_lifecycle_event === 'npx';
  if (byNpx && /\bmillrace\b/.test(env.npm_lifecycle_script ?? '')) return 'npx millrace';
  if (isInstalled()) return commandIsNear(cwd) ? 'npx millrace' : 'millrace';
  // npm runs scripts in the checkout itself, whatever folder they are called from
  if (!byNpx && env.npm_lifecycle_event !== undefined && cwd === packageFolder())
    return 'npm run -s millrace --';
  return script === join(packageFolder(), 'bin/millrace.mjs')
    ? `node ${relative(cwd, script) || script}`
    : 'millrace';
}

/** A command that begins with `millrace`, as it can be typed here. */
export const asCalled = (command: string): string =>
  command.replace(/^millrace(?=\s|$)/, () =>
    commandName({ env: process.env, cwd: process.cwd(), script: process.argv[1] }),
  );

/** A text in which the commands in back quotes are as they can be typed here: the engine knows only `millrace`. */
export const withCommandsAsCalled = (text: string): string =>
  text.replace(/`(millrace [^`]*)`/g, (_, command: string) => `\`${asCalled(command)}\``);
