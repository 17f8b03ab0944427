// One Hazelcast member: a JVM that can be started, stopped, killed, paused and started again.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memberArguments, printMemberFile } from './member-file.mjs';

const java = process.env.JAVA_HOME === undefined ? 'java' : join(process.env.JAVA_HOME, 'bin/java');

/** A graceful end hands partitions over: 1.5 s were measured for one of three, 30 s is its own bound. */
const stopMsMax = 35_000;
const pauseMsMax = 5000;
const pollMs = 100;

export class Member {
  #plan;
  #child = null;
  #exited = Promise.resolve();
  #wanted = false;
  #end = null;
  #onChange;

  constructor(plan, onChange) {
    this.#plan = plan;
    this.#onChange = onChange;
  }

  get port() {
    return this.#plan.port;
  }

  get address() {
    return `${this.#plan.host}:${this.port}`;
  }

  /** Started, and neither stopped nor killed since: it should run. */
  get wanted() {
    return this.#wanted;
  }

  /** Of the JVM; null while it does not run. */
  get pid() {
    return this.#child?.pid ?? null;
  }

  get logFile() {
    return join(this.#plan.folder, `member-${this.port}.log`);
  }

  /** Settles when the JVM that runs now has ended. */
  get exited() {
    return this.#exited;
  }

  /** Starts the JVM; `Members.ready` says when it serves. `properties`: others for this time. */
  start(properties = {}) {
    if (this.#child !== null) throw new Error(`the member on port ${this.port} runs already`);
    const { folder, jar, heapMebibytes, prefix } = this.#plan;
    const file = join(folder, `member-${this.port}.yaml`);
    writeFileSync(file, printMemberFile({ ...this.#plan, properties }));
    const log = openSync(this.logFile, 'a');
    // A group of its own: Ctrl-C reaches whoever started it, who then ends it gracefully.
    const [command, ...args] = [...prefix, java, ...memberArguments({ jar, file, heapMebibytes })];
    const child = spawn(command, args, {
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#wanted = true;
    this.#end = null;
    this.#exited = new Promise((resolve) => {
      const ended = (end) => {
        this.#child = null;
        this.#end = end;
        this.#onChange();
        resolve(end);
      };
      child.once('exit', (code, signal) => ended({ code, signal }));
      child.once('error', ({ message }) => {
        if (child.pid === undefined) ended({ code: null, signal: null, message });
      });
    });
    this.#onChange();
  }

  /** Ends it gracefully: what it holds goes to the others first. Killed when that takes too long. */
  async stop() {
    this.#wanted = false;
    if (this.#child === null) return;
    this.resume();
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), stopMsMax);
    await this.#exited;
    clearTimeout(timer);
  }

  /** `kill -9`. */
  async kill() {
    this.#wanted = false;
    this.#signal('SIGKILL');
    await this.#exited;
  }

  /** It keeps its connections and says nothing, as after a long pause of a JVM or of its machine. */
  async pause() {
    this.#signal('SIGSTOP');
    // Its threads stop one after another; the last may still answer a call.
    const untilMs = Date.now() + pauseMsMax;
    while (this.pid !== null && !isPaused(this.pid)) {
      if (Date.now() > untilMs) throw new Error(`the member on port ${this.port} goes on`);
      await sleep(1);
    }
  }

  resume() {
    this.#signal('SIGCONT');
  }

  #signal(name) {
    this.#child?.kill(name);
  }

  /** What `GET /hazelcast/health` says; null when nobody answers. */
  async health() {
    try {
      const response = await fetch(`http://${this.address}/hazelcast/health`, {
        signal: AbortSignal.timeout(1000),
      });
      return await response.json();
    } catch {
      return null;
    }
  }

  /** Waits until it sees `size` members and moves nothing; throws when it ended, or at `untilMs`. */
  async ready(size, untilMs) {
    while (true) {
      const health = await this.health();
      const { nodeState, clusterSize, migrationQueueSize } = health ?? {};
      if (nodeState === 'ACTIVE' && clusterSize === size && migrationQueueSize === 0) return;
      if (this.pid === null && this.#end !== null) {
        const how = `the member on port ${this.port} ended (${printEnd(this.#end)})`;
        throw new Error(`${how}\n${this.tail}`.trim());
      }
      if (Date.now() > untilMs) {
        const last = health === null ? 'no answer' : JSON.stringify(health);
        throw new Error(`the member on port ${this.port} is not ready: ${last}\n${this.tail}`);
      }
      await sleep(pollMs);
    }
  }

  /** The end of its log. */
  get tail() {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
    } catch {
      return '';
    }
  }
}

/** `SIGKILL`, `exit code 1`, or why it could not be started at all. */
export function printEnd({ code, signal, message }) {
  if (message !== undefined) return `${message}; a JDK 17 or later is needed`;
  return signal ?? `exit code ${code}`;
}

/** Whether every thread of a process is stopped (`T` in /proc/PID/task/TID/stat). */
function isPaused(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) =>
    readFileSync(`${tasks}/${task}/stat`, 'utf8').split(') ')[1]?.startsWith('T'),
  );
}
