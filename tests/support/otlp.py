"""A real OTLP receiver for tests, which writes every span that reaches it into its log."""

import os
import re
import socket
import stat
import subprocess
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tests.support.processes import free_port

START_SECONDS = 60
FIELDS = ("Trace ID", "Parent ID", "ID", "Name", "Kind")


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as it arrived."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    status: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])


class OtlpReceiver:
    """`rotel-agent` on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "otlp.log"
        self._pid = folder / "otlp.pid"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For `TURNUS_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until connections are taken."""
        spec = find_spec("rotel")
        assert spec is not None
        assert spec.origin is not None
        binary = Path(spec.origin).parent / "rotel-agent"
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        listen = ("--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}", "--otlp-http-endpoint", f"127.0.0.1:{self._port}")
        show = ("--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed")
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [str(binary), "start", *listen, *show, "--pid-file", str(self._pid)],
                stdout=out,
                stderr=out,
                env={"PATH": os.defpath, "NO_COLOR": "1"},
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, "the OTLP receiver does not listen"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def spans(self) -> list[ReceivedSpan]:
        """All that arrived so far."""
        return spans_of(self._log.read_text())


def spans_of(log: str) -> list[ReceivedSpan]:
    """The spans that a log of the receiver shows."""
    found: list[ReceivedSpan] = []
    for resource in re.split(r"^ResourceSpans #\d+$", log, flags=re.MULTILINE)[1:]:
        service = _value(resource, "-> service.name: Str", r"\((.*)\)")
        for text in re.split(r"^Span #\d+$", resource, flags=re.MULTILINE)[1:]:
            told = {
                name: _value(text, f"{name} *:", r" *(.*)") for name in ("Trace ID", "Parent ID", "ID", "Name", "Kind")
            }
            attributes = dict(re.findall(r"^ +-> ([\w.]+): \w+\((.*)\)$", text, flags=re.MULTILINE))
            found.append(
                ReceivedSpan(
                    service=service,
                    name=told["Name"],
                    kind=told["Kind"].removeprefix("SPAN_KIND_").lower(),
                    trace_id=told["Trace ID"],
                    span_id=told["ID"],
                    parent_id=told["Parent ID"],
                    status=_value(text, "Status code *:", r" *(.*)").removeprefix("STATUS_CODE_").lower(),
                    attributes=attributes,
                )
            )
    return found


def _value(text: str, name: str, value: str) -> str:
    match = re.search(rf"^ *{name}{value}$", text, flags=re.MULTILINE)
    return match[1].strip() if match else ""
