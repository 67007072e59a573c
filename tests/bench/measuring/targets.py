# SPDX-License-Identifier: Apache-2.0
"""What is checked: real servers on free ports of the loopback, on the CPU of the others."""
import os
import pathlib
import pwd
import signal
import subprocess

from measuring.machine import OTHER_CPU, Process, accepts_connections, free_port, program

# Fresh connections by the thousand a second would use up the ports of one address: targets listen
# on 127.0.0.1 and the addresses after it, and dependencies are dealt to them in turn.
N_ADDRESSES = 8
ADDRESSES = [f"127.0.0.{i + 1}" for i in range(N_ADDRESSES)]

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 19000;
events {{ worker_connections 15000; }}
http {{
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    default_type application/json;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    add_header Cache-Control no-store;
    server {{
{listens}
        location / {{ return 200 '{{"status":"up"}}'; }}
    }}
}}
"""

POSTGRES = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
max_connections = 400
shared_buffers = 16MB
max_wal_size = 64MB
"""


def nginx(directory, cpu=OTHER_CPU):
    """On each of the addresses; its .port."""
    port = free_port()
    listens = "\n".join(f"        listen {address}:{port} backlog=65535;" for address in ADDRESSES)
    pathlib.Path(directory, "nginx.conf").write_text(NGINX.format(listens=listens))
    command = [program("nginx"), "-p", str(directory), "-c", "nginx.conf", "-e", "stderr"]
    return _started(Process(command, cpu, directory), port)


def redis(directory):
    port = free_port()
    command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", "",
               "--maxclients", "15000", "--tcp-backlog", "4096", "--daemonize", "no"]
    return _started(Process(command, OTHER_CPU, directory), port)


def sink(directory, programs):
    port = free_port()
    return _started(Process([str(programs / "sink"), str(port)], OTHER_CPU, directory), port)


def canned_postgres(directory, programs):
    """Where a real server would need a process for each of thousands of connections."""
    port = free_port()
    command = [str(programs / "canned_postgres"), str(port)]
    return _started(Process(command, OTHER_CPU, directory), port)


def postgres(directory):
    """A cluster that trusts everybody who comes over the loopback; not as root."""
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    options = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": ()} if owner else {}
    data = pathlib.Path(directory, "data")
    if owner:
        os.chown(directory, owner.pw_uid, owner.pw_gid)
    homes = [str(path) for path in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))]
    server = program("postgres", *homes)
    subprocess.run([program("initdb", *homes), "--no-sync", "--no-locale", "--auth=trust",
                    "--username=postgres", f"--pgdata={data}"], check=True, cwd=directory,
                   stdout=subprocess.DEVNULL, **options)
    with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
        file.write(POSTGRES)
    port = free_port()
    command = [server, "-D", str(data), "-p", str(port)]
    # SIGTERM would wait for its clients.
    return _started(Process(command, OTHER_CPU, directory, end_by=signal.SIGINT, **options), port)


def _started(process, port):
    process.port = port
    try:
        process.wait_for(lambda: accepts_connections(port), 20, "accepts connections")
    except BaseException:
        process.stop()
        raise
    return process
