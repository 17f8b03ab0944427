// The jar of a Hazelcast member: fetched once by Maven, kept in build/hazelcast, checked by its hash.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const memberVersion = '5.7.0';
const jarName = `hazelcast-${memberVersion}.jar`;
const jarSha256 = '241ec66cea8491787f68c3336f069ac463877af50bdb7676cd9d538f1940dc33';
export const memberFolder = join(root, 'build', 'hazelcast');
const jar = join(memberFolder, jarName);

/** Maven starts a JVM and may load its own plugin and the jar, 25 MB together, over a slow line. */
const fetchMsMax = 300_000;

/** The path of the jar. Maven is asked only when it is not there yet. */
export async function memberJar({ say = () => {} } = {}) {
  if (existsSync(jar)) return jar;
  mkdirSync(memberFolder, { recursive: true });
  // A folder of its own and a rename: two that fetch at once do not meet, and half a jar is none.
  const folder = mkdtempSync(join(memberFolder, 'fetch-'));
  try {
    say(`fetching ${jarName} by Maven, 21 MB …`);
    const began = Date.now();
    await maven(folder, say);
    const found = await sha256(join(folder, jarName));
    if (found !== jarSha256) throw new Error(`${jarName} has the hash ${found}, not ${jarSha256}`);
    renameSync(join(folder, jarName), jar);
    say(`fetched in ${seconds(began)} s; kept in ${memberFolder}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return jar;
}

export const seconds = (sinceMs) => ((Date.now() - sinceMs) / 1000).toFixed(1);

async function maven(folder, say) {
  const child = spawn(
    'mvn',
    [
      '--batch-mode',
      '--quiet',
      '--strict-checksums',
      'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
      `-Dartifact=com.hazelcast:hazelcast:${memberVersion}`,
      `-DoutputDirectory=${folder}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: fetchMsMax },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-4000);
    });
  }
  const began = Date.now();
  const ticker = setInterval(() => say(`Maven works since ${seconds(began)} s`), 10_000);
  const end = await new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  clearInterval(ticker);
  if (end === 0) return;
  const hint = 'It needs Maven 3.6 or later and a JDK 17 or later, and the line once.';
  throw new Error(`Maven could not fetch ${jarName} (${end}). ${hint}\n${output}`.trim());
}

function sha256(file) {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    createReadStream(file)
      .once('error', reject)
      .on('data', (bytes) => hash.update(bytes))
      .once('end', () => resolve(hash.digest('hex')));
  });
}
