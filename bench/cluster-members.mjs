// Members for development: started, told how to use, ended with the command.
import Table from 'cli-table3';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { printEnd } from './kit/member.mjs';
import { memberVersion, seconds } from './kit/member-jar.mjs';
import { Members, portDefault } from './kit/members.mjs';

const say = (line) => process.stderr.write(`cluster: ${line}\n`);

const whole = (from, to) => (text) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new InvalidArgumentError(`a whole number from ${from} to ${to}`);
};

/** One alone, or three, of which one may fail: two would both stop writing when one is gone. */
const oneOrThree = (text) => {
  if (text === '1' || text === '3') return Number(text);
  throw new InvalidArgumentError('1 or 3');
};

const nameOf = (text) => {
  if (/^[A-Za-z0-9._-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError('letters, digits, dots, hyphens and underscores');
};

/** Exit codes: 0 ended by a signal, 1 could not start or a member died, 2 called wrongly. */
export async function cluster(argv) {
  const program = new Command('npm run cluster --')
    .description(`Hazelcast ${memberVersion} members on 127.0.0.1, until Ctrl-C or SIGTERM.`)
    .option('--members <n>', '1 or 3', oneOrThree, 1)
    .option('--port <n>', 'of the first; 0: free ones', whole(0, 65_533), portDefault)
    .option('--name <text>', 'of the cluster', nameOf, 'cutover')
    .option('--heap <mebibytes>', 'of each member, at most', whole(128, 8192), 256)
    .option('--json', 'one line of JSON when they are ready, in place of the table')
    .exitOverride()
    .showHelpAfterError('(npm run cluster -- --help shows how)')
    .addHelpText(
      'after',
      `
Examples:
  npm run cluster
  npm run cluster -- --members 3
  npm run cluster -- --members 3 --port 0 --json

The jar is fetched by Maven once and kept in build/hazelcast. What members hold is gone when they end.`,
    )
    .action((options) => run(options));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      say(error.message);
      process.exitCode = 1;
    }
  }
}

async function run({ members: count, port, name, heap, json = false }) {
  const began = Date.now();
  const ended = firstSignal();
  const starting = new AbortController();
  void ended.then(() => starting.abort());
  let members;
  try {
    say(`starting ${count === 1 ? 'a member' : `${count} members`} …`);
    members = await Members.start({
      ...{ count, port, name, say },
      heapMebibytes: heap,
      signal: starting.signal,
    });
  } catch (error) {
    if (!starting.signal.aborted) throw error;
    say('ended before the members were ready');
    return;
  }
  say(`ready after ${seconds(began)} s`);
  tell(members, json);
  const died = await Promise.race([ended.then(() => null), members.firstEnd()]);
  const { tail } = died?.member ?? {};
  say('stopping the members …');
  // A second signal means at once.
  void firstSignal().then(() => members.killAll());
  await members.stop();
  say('stopped');
  if (died === null) return;
  throw new Error(`the member on port ${died.member.port} died (${printEnd(died.end)})\n${tail}`);
}

function firstSignal() {
  return new Promise((resolve) => {
    const came = () => {
      process.off('SIGINT', came);
      process.off('SIGTERM', came);
      resolve();
    };
    process.on('SIGINT', came);
    process.on('SIGTERM', came);
  });
}

function tell(members, json) {
  if (json) {
    const list = members.list.map(({ address, pid, logFile }) => ({ address, pid, log: logFile }));
    const { name, settings } = members;
    const line = { event: 'ready', name, members: list, settings };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const head = ['setting', 'value'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const setting of members.settings) {
    const at = setting.indexOf('=');
    table.push([setting.slice(0, at), setting.slice(at + 1)]);
  }
  const sets = members.settings.map((setting) => `--set "${setting}"`).join(' ');
  process.stdout.write(`${table.toString()}\n\nStart a node with them:\n  npm start -- ${sets}\n`);
}
