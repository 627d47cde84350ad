"""Receivers of OTLP, started one by one and ended again."""

import os
import pty
import socket
import subprocess
import time


class Missing(Exception):
    """A server that is not there, and why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens; `started` is how many milliseconds that took."""

    def __init__(self, command, ports, log, terminal=False):
        self.grpc, self.http = ports
        self.screen = None
        with open(log, "w") as out:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            if terminal:
                self.screen, inner = pty.openpty()
                streams = {"stdin": inner, "stdout": inner, "stderr": out}
            began = time.monotonic()
            self.process = subprocess.Popen(command, start_new_session=True, **streams)
            if terminal:
                os.close(inner)
                os.set_blocking(self.screen, False)
        for port in {self.grpc, self.http}:
            self.wait(port, log)
        self.started = (time.monotonic() - began) * 1e3

    def wait(self, port, log):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.001)
        self.end()
        raise Missing(f"did not listen; it said: {open(log).read()[-400:]}")

    def drain(self):
        """Reads what was drawn, so that the program does not wait for its terminal."""
        try:
            while self.screen is not None and os.read(self.screen, 1 << 20):
                pass
        except OSError:
            pass

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.screen is not None:
            os.close(self.screen)


def jwtrail(options, log):
    grpc, http = free_port(), free_port()
    listen = ["--grpc", f"127.0.0.1:{grpc}", "--http", f"127.0.0.1:{http}"]
    return Server([options.jwtrail, "serve", "--for", "900s", *listen], (grpc, http), log)


def raw(options, log):
    port = free_port()
    return Server([options.load, "--serve-raw", f"127.0.0.1:{port}", "--for", "900"], (port, port), log)


COLLECTOR = """
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: "127.0.0.1:{grpc}", max_recv_msg_size_mib: 16 }}
      http: {{ endpoint: "127.0.0.1:{http}" }}
exporters: {{ nop: {{}} }}
service:
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}
  pipelines: {{ traces: {{ receivers: [otlp], exporters: [nop] }} }}
"""


def collector(options, log):
    if not options.collector:
        raise Missing("it could not be built")
    grpc, http = free_port(), free_port()
    config = COLLECTOR.format(grpc=grpc, http=http)
    return Server([options.collector, "--config", f"yaml:{config}"], (grpc, http), log)


def otel_tui(options, log):
    if not options.otel_tui:
        raise Missing("OTEL_TUI does not name it")
    grpc, http = free_port(), free_port()
    command = [options.otel_tui, "--host", "127.0.0.1", "--grpc", str(grpc), "--http", str(http)]
    return Server(command, (grpc, http), log, terminal=True)


ALL = {"jwtrail": jwtrail, "raw bytes": raw, "Collector": collector, "otel-tui": otel_tui}
