# SPDX-License-Identifier: Apache-2.0
"""The program in front of a terminal: what it shows to a person."""
import os
import pty
import select
import subprocess
import time

from harness.exporter import PROGRAM, SANITIZER, environment
from harness.secrets import assert_no_secret
from harness.waiting import SLOW


class Terminal:
    """Runs the program to its end with standard output, standard error or both on a terminal."""

    def __init__(self, *args, env=None, output=True, error=True, timeout=20):
        leader, follower = pty.openpty()
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [PROGRAM, *map(str, args)], env=environment({"TERM": "xterm", **(env or {})}),
            stdin=subprocess.DEVNULL, stdout=follower if output else pipe,
            stderr=follower if error else pipe)
        os.close(follower)
        self.screen = self._read(leader, time.monotonic() + timeout * SLOW)
        out, err = process.communicate(timeout=timeout * SLOW)
        self.piped = ((out or b"") + (err or b"")).decode()
        self.returncode = process.returncode
        assert not SANITIZER.search(self.screen + self.piped), self.screen + self.piped
        assert_no_secret(self.screen + self.piped, f"the terminal of {args}")

    @staticmethod
    def _read(leader, deadline):
        data = b""
        while True:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([leader], [], [], left)[0], f"it hangs: {data!r}"
            try:
                chunk = os.read(leader, 65536)
            except OSError:
                chunk = b""  # Linux ends a terminal that nobody has open by EIO.
            if not chunk:
                os.close(leader)
                return data.decode().replace("\r\n", "\n")
            data += chunk
