"""`jwtrail serve` as a process that is watched from outside: ports, memory, counters, report."""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from reports import last_report  # noqa: E402

LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+) (gRPC|HTTP)")


def environment(folder, **more):
    """Nothing of the caller's own settings: all that the program keeps goes into the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    places = {"XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "TMPDIR": "tmp"}
    return kept | {name: os.path.join(folder, place) for name, place in places.items()} | more


class Serving:
    """The program on free ports, or on given ones."""

    def __init__(self, binary, folder, *args, seconds=600, ports=(0, 0), **env):
        self.folder = folder
        os.makedirs(f"{folder}/tmp", exist_ok=True)
        # It ends by itself even where this script cannot end it.
        command = [binary, "serve", "--for", f"{seconds}s", "--grpc", f"127.0.0.1:{ports[0]}",
                   "--http", f"127.0.0.1:{ports[1]}", "--format", "json", *args]
        self.out, self.err = open(f"{folder}/out", "w+"), open(f"{folder}/err", "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, cwd=folder,
                                        env=environment(folder, **env))
        self.pid = self.process.pid
        end = time.monotonic() + 20
        while len(found := dict((kind, int(port)) for port, kind in LISTENING.findall(self.errors()))) < 2:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"jwtrail does not listen: {self.errors()}")
            time.sleep(0.02)
        self.grpc, self.http = found["gRPC"], found["HTTP"]

    def errors(self):
        with open(f"{self.folder}/err", errors="replace") as f:
            return f.read()

    def alive(self):
        return self.process.poll() is None

    def status(self, field):
        """A figure of /proc/PID/status in KiB, such as VmRSS or VmHWM."""
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(field + ":"))

    def forget_peak(self):
        """VmHWM begins anew at what is resident now."""
        with open(f"/proc/{self.pid}/clear_refs", "w") as f:
            f.write("5")

    def cpu(self):
        """Processor time so far in seconds."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, seconds=120):
        """Ends it as Ctrl-C would; its report."""
        if self.alive():
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=seconds)
        with open(f"{self.folder}/out", errors="replace") as f:
            report = last_report(f.read())
        if status != 0 or report is None:
            raise RuntimeError(f"jwtrail ended with {status}: {self.errors()[-2000:]}")
        return report
