# SPDX-License-Identifier: Apache-2.0
"""Real servers on free ports of the loopback: started once, stopped, frozen and killed by tests."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

from harness.waiting import accepts_connections, free_port, wait_until


def require(*names):
    """The paths of these programs; what is missing is said by name."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    found = {name: shutil.which(name, path=path) for name in names}
    missing = [name for name, path in found.items() if not path]
    assert not missing, f"not installed: {', '.join(missing)}"
    return [found[name] for name in names]


class Server:
    """A server program in the foreground, with its log in a file."""

    def __init__(self, name, directory, user=None):
        self.name = name
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        self._user = user
        self._process = None

    def _command(self):
        raise NotImplementedError

    def _is_ready(self):
        return accepts_connections(self.port)

    @property
    def log(self):
        path = self.directory / f"{self.name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def start(self):
        options = {}
        if self._user:
            options = {"user": self._user, "group": self._user, "extra_groups": ()}
        with open(self.directory / f"{self.name}.log", "ab") as log:
            self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, cwd=self.directory, **options)
        wait_until(self._check_start, 20, f"{self.name} accepts connections")
        return self

    def _check_start(self):
        assert self.is_running, f"{self.name} ended at its start:\n{self.log[-3000:]}"
        return self._is_ready()

    def stop(self):
        """An orderly end; nothing when it does not run."""
        if self.is_running:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=20)

    def _processes(self):
        """Its processes, those that it started included."""
        pids = [self._process.pid]
        for pid in pids:
            path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
            with contextlib.suppress(OSError):
                pids += map(int, path.read_text(encoding="ascii").split())
        return pids

    def signal_all(self, number):
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextlib.contextmanager
    def frozen(self):
        """SIGSTOP: its ports still connect, and nothing ever answers."""
        self.signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal_all(signal.SIGCONT)

    def kill(self):
        self.signal_all(signal.SIGKILL)
        self._process.wait()

    def ensure_running(self):
        if not self.is_running:
            self.start()


class Redis(Server):
    """requirepass for the default user, a second user in the ACL, and a TLS port."""

    def __init__(self, directory, certificate, password, user, user_password):
        super().__init__("redis", directory)
        self.tls_port = free_port()
        self._program, = require("redis-server")
        cert_file, key_file = certificate
        (self.directory / "redis.conf").write_text(
            f"bind 127.0.0.1\nport {self.port}\nsave \"\"\nappendonly no\nloglevel verbose\n"
            f"requirepass {password}\n"
            f"user {user} on >{user_password} +ping +auth +select +hello\n"
            f"tls-port {self.tls_port}\ntls-cert-file {cert_file}\ntls-key-file {key_file}\n"
            f"tls-auth-clients no\ntls-ca-cert-file {cert_file}\nenable-debug-command yes\n",
            encoding="utf-8")

    def _command(self):
        return [self._program, "redis.conf"]


class Nginx(Server):
    """Plain on .port, TLS with a good certificate on .tls_port, with an expired one on
    .expired_port; one process."""

    def __init__(self, directory, certificate, expired):
        super().__init__("nginx", directory)
        self._program, = require("nginx")
        self.tls_port, self.expired_port = free_port(), free_port()
        (self.directory / "nginx.conf").write_text(
            NGINX_CONF.format(port=self.port, tls_port=self.tls_port, cert=certificate[0],
                              key=certificate[1], expired_port=self.expired_port,
                              expired_cert=expired[0], expired_key=expired[1]), encoding="utf-8")

    def _command(self):
        return [self._program, "-p", str(self.directory), "-c", "nginx.conf", "-e", "error.log"]

    @property
    def requests(self):
        """The access log's lines: request, status, and the Authorization it came with."""
        path = self.directory / "access.log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


NGINX_CONF = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 256; }}
http {{
    log_format requests '$request $status "$http_authorization" "$http_x_token"';
    access_log access.log requests;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    default_type text/plain;
    keepalive_timeout 60;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        location = /ok {{ return 200 "all is well"; }}
        location = /json {{
            default_type application/json;
            return 200 '{{"status":"UP","parts":[{{"name":"a","ok":true}}]}}';
        }}
        location = /error {{ return 500; }}
        location = /absent {{ return 404; }}
        location = /moved {{ return 302 /ok; }}
        location = /away {{ return 302 http://localhost:{port}/ok; }}
        location = /asked {{ if ($request_method != OPTIONS) {{ return 405; }} return 200 "ok"; }}
        location = /private {{
            if ($http_x_token = "") {{ return 401; }}
            return 200 "ok";
        }}
    }}
    server {{
        listen 127.0.0.1:{expired_port} ssl;
        ssl_certificate {expired_cert};
        ssl_certificate_key {expired_key};
        location = /ok {{ return 200 "ok"; }}
    }}
}}
"""


def owner_for_postgres():
    """PostgreSQL does not run as root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None
