"""The program with its screens, on a terminal of its own."""

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from serving import environment

COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")


class Screen:
    """Started with a terminal of 50 lines of 200 columns; what it writes is kept as it is."""

    def __init__(self, binary, folder, *args, **env):
        os.makedirs(f"{folder}/tmp", exist_ok=True)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.process = subprocess.Popen([binary, *args], stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True,
                                        env=environment(folder, TERM="xterm-256color", COLORTERM="truecolor", **env))
        os.close(slave)
        self.pid, self.written = self.process.pid, b""

    def read(self, seconds):
        """What it writes within so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.written += os.read(self.master, 65536)
                except OSError:
                    return

    def wait_for(self, words, seconds=20):
        end, begun = time.monotonic() + seconds, len(self.written)
        while words.encode() not in self.written:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"expected {words!r} on the screen, found {self.written[begun:][-2000:]!r}")
            self.read(0.1)

    def press(self, keys, seconds=0.4):
        os.write(self.master, keys.encode())
        self.read(seconds)

    def copied(self):
        return b"\n".join(base64.b64decode(each) for each in COPIED.findall(self.written))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.read(3)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
