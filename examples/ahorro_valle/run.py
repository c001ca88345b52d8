"""The whole system in one go: train, serve, post applications, read the figures and the decision log."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from client import post_applications  # noqa: E402
from train import train  # noqa: E402


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(address: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Ask until the server says that it takes work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"{address}/salud/lista", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def run_notebook(folder: Path) -> None:
    """Run the notebook that reads the figures and the log, as an analyst would, in the example's folder."""
    import nbclient
    import nbformat

    notebook = nbformat.read(HERE / "seguimiento.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute()
    print("notebook: all cells ran")


def main() -> None:
    """Run everything in a folder of its own, and stop the server whatever happens."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder / "modelo.morosidad")
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "morosidad", "serve", "--port", str(port)]
        command += ["--model", "modelo.morosidad", "--settings", str(HERE / "configuracion.json")]
        with subprocess.Popen(command, cwd=folder) as server:
            try:
                wait_until_ready(address, server)
                print("resultados:", post_applications(address))
                with urlopen(f"{address}/api/kpis", timeout=5) as response:
                    (folder / "kpis.json").write_bytes(response.read())
            finally:
                server.terminate()
        report = json.loads((folder / "kpis.json").read_text(encoding="utf-8"))
        print(
            "estado:", report["estado_performance"], "· p95:", report["metricas"]["tiempo_respuesta_p95"], "s"
        )
        assert report["total_predicciones_analizadas"] == 200
        run_notebook(folder)


if __name__ == "__main__":
    main()
