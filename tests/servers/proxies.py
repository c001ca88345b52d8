"""nginx and HAProxy before servers of a test, with the configurations of the examples."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from serving import FOUND, start_listening
from support import ROOT, needed

EXAMPLES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_OF_ITS_OWN = "http { " + " ".join(f"{kind}_temp_path {kind};" for kind in _TEMPORARY)


@contextmanager
def proxy_before(program: str, ports: Sequence[int], folder: Path) -> Iterator[str]:
    """Run a proxy before the servers that listen on some ports (HAProxy: on one), and give its address."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    needed(found is not None, program)
    assert found is not None
    example = ROOT / "examples" / "deploy" / "proxies" / EXAMPLES[program]
    text = example.read_text(encoding="utf-8").replace("http {", _OF_ITS_OWN)
    servers = "; server ".join(f"127.0.0.1:{port}" for port in ports)
    text = text.replace("127.0.0.1:5000", servers)
    configuration = folder / "proxy.conf"
    alone = f"daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;"
    options = {"nginx": ["-p", str(folder), "-g", alone, "-c"], "haproxy": ["-f"]}[program]

    def command(port: int) -> list[str]:
        configuration.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{port}"), encoding="utf-8")
        return [found, *options, str(configuration)]

    proxy, port = start_listening(command, output=folder / "proxy.txt")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.wait(FOUND)
