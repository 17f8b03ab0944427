import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { testFolder } from './folder.ts';
import { Gateway, type GatewayOptions, until } from './gateway.ts';

const hook = fileURLToPath(new URL('./thread-hook.cjs', import.meta.url));

export interface BreakableGateway {
  readonly gateway: Gateway;
  /** Runs code in one thread: `main`, `manager`, `control`, `worker-0`, ...; resolves when it began. */
  run(thread: string, code: string): Promise<void>;
}

/** A gateway whose threads run what a test sends them; killed when the test is finished. */
export async function startBreakable(options: GatewayOptions): Promise<BreakableGateway> {
  const folder = testFolder();
  const gateway = await Gateway.start({
    ...options,
    env: { TEST_HOOK_FOLDER: folder },
    nodeArguments: [...(options.nodeArguments ?? []), '--require', hook],
  });
  onTestFinished(() => gateway.kill());
  return {
    gateway,
    async run(thread, code) {
      const file = join(folder, thread);
      writeFileSync(`${file}.new`, code);
      renameSync(`${file}.new`, file);
      await until(`${thread} takes the code`, () => !existsSync(file));
    },
  };
}
