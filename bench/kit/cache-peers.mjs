// Caches that people would pick instead, each set up for what is measured: hits of small responses
// on one core. Nothing is logged where that can be said, connections are kept, there is room for
// everything, and nothing expires or is validated meanwhile.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from './processes.mjs';

/** By name of the Debian package; null: not installed. */
export const cachePeers = {
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
  varnish(folder, port, originPort) {
    const program = programPath('varnishd');
    if (program === null) return null;
    const file = join(folder, 'bench.vcl');
    writeFileSync(file, vclFile(originPort));
    const memory = ['-s', 'malloc,256m'];
    // Its log in shared memory cannot be switched off; two pools of threads are its default.
    const place = ['-F', '-j', 'none', '-n', join(folder, 'varnish'), '-T', 'none'];
    const listen = ['-a', `127.0.0.1:${port}`, '-f', file];
    return { command: program, args: [...place, ...memory, ...listen], port };
  },
};

/** Its files lie in memory (the page cache) and stay open; `sendfile` and `tcp_nopush` as usual. */
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
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=20000 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  proxy_cache_path ${prefix}/cache levels=1:2 keys_zone=all:64m max_size=1g inactive=1h use_temp_path=off;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache all;
      proxy_cache_valid 200 1h;
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
cache all
  total-max-size 256
  max-object-size 100000
  max-age 3600
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend door
  bind 127.0.0.1:${port}
  http-request cache-use all
  http-response cache-store all
  default_backend origin
backend origin
  server one 127.0.0.1:${originPort}
`;
}

function vclFile(originPort) {
  return `
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "${originPort}"; }
sub vcl_backend_response { set beresp.ttl = 1h; }
`;
}
