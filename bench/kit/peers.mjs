import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchFolder, programPath } from './processes.mjs';

export { benchFolder };

const here = fileURLToPath(new URL('.', import.meta.url));
export const main = fileURLToPath(new URL('../../build/cli/main.js', import.meta.url));

export function bare(port) {
  return { command: process.execPath, args: [join(here, 'bare.mjs'), String(port)], port };
}

/** Cutover with one worker, serving the definitions: a set, or the path of a file. */
export function cutover(folder, port, adminPort, definitions, more = []) {
  let file = definitions;
  if (typeof definitions !== 'string') {
    file = join(folder, `definitions-${port}.json`);
    writeFileSync(file, JSON.stringify(definitions));
  }
  const set = [
    `listen.port=${port}`,
    `admin.port=${adminPort}`,
    'workers=1',
    `data=${join(folder, `data-${port}`)}`,
    'log.level=warn',
    ...more,
  ];
  return {
    command: process.execPath,
    args: [main, 'serve', '--definitions', file, ...set.flatMap((one) => ['--set', one])],
    port,
  };
}

/** Programs that people would pick instead, proxying to one origin with keep-alive; null: not here. */
export const peers = {
  nginx(folder, port, originPort) {
    const program = programPath('nginx');
    if (program === null) return null;
    const prefix = join(folder, 'nginx');
    mkdirSync(join(prefix, 'logs'), { recursive: true });
    const file = join(prefix, 'nginx.conf');
    writeFileSync(file, nginxFile(prefix, port, originPort));
    return { command: program, args: ['-p', prefix, '-c', file], port };
  },
  haproxy(folder, port, originPort) {
    const program = programPath('haproxy');
    if (program === null) return null;
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, haproxyFile(port, originPort));
    return { command: program, args: ['-db', '-f', file], port };
  },
  caddy(folder, port, originPort) {
    const program = programPath('caddy');
    if (program === null) return null;
    const file = join(folder, 'Caddyfile');
    writeFileSync(file, caddyFile(port, originPort));
    const env = { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return {
      command: program,
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      port,
      env,
    };
  },
};

function nginxFile(prefix, port, originPort) {
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
`;
}

function haproxyFile(port, originPort) {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend door
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server one 127.0.0.1:${originPort}
`;
}

function caddyFile(port, originPort) {
  return `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${originPort}
}
`;
}
