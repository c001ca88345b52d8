"""Servers to measure beside ours: ``python rivals.py NAME PORT PIPELINE``.

Each answers ``POST`` with the same body as ours, from the scikit-learn pipeline that the shipped model was
compiled from, as its own documentation shows it: no validation, reasons, figures or log.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(path: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Give a function from the body of a request to an answer."""
    import joblib
    import pandas as pd

    pipeline = joblib.load(path)
    columns = list(pipeline.feature_names_in_)

    def predict(body: dict[str, Any]) -> dict[str, Any]:
        frame = pd.DataFrame([body["datos"]]).reindex(columns=columns)
        probabilities = pipeline.predict_proba(frame)[0].tolist()
        return {"prediccion": int(probabilities[1] > 0.5), "probabilidades": probabilities}

    return predict


def empty(port: int, _: str) -> None:
    """Starlette with an endpoint that does nothing."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse({})

    app = Starlette(routes=[Route("/predecir", answer, methods=["POST"])])
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def fastapi(port: int, pipeline: str) -> None:
    """FastAPI, whose threads call the pipeline."""
    import uvicorn
    from fastapi import Body, FastAPI

    predict, app = load(pipeline), FastAPI()

    @app.post("/predecir")
    def answer(body: dict = Body()) -> dict:  # noqa: B008
        return predict(body)

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def litserve(port: int, pipeline: str) -> None:
    """LitServe, whose worker is a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="litserve-"))
    (folder / "own.py").write_text(
        "import litserve\nfrom rivals import load\n\n\n"
        "class Scoring(litserve.LitAPI):\n"
        "    def setup(self, device):\n"
        f"        self.model = load({pipeline!r})\n\n"
        "    def decode_request(self, request):\n"
        "        return request\n\n"
        "    def predict(self, request):\n"
        "        return self.model(request)\n\n"
        "    def encode_response(self, answer):\n"
        "        return answer\n\n\n"
        'if __name__ == "__main__":\n'
        '    server = litserve.LitServer(Scoring(api_path="/predecir"), accelerator="cpu")\n'
        f'    server.run(port={port}, log_level="warning", generate_client_file=False)\n'
    )
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    os.execv(sys.executable, [sys.executable, str(folder / "own.py")])


def bentoml(port: int, pipeline: str) -> None:
    """BentoML, through its own command."""
    folder = tempfile.mkdtemp(prefix="bento-")
    (Path(folder) / "service.py").write_text(
        "import bentoml\nfrom rivals import load\n\n\n"
        '@bentoml.service(workers=1, logging={"access": {"enabled": False}})\n'
        "class Scoring:\n"
        "    def __init__(self):\n"
        f"        self.model = load({pipeline!r})\n\n"
        '    @bentoml.api(route="/predecir")\n'
        "    def answer(self, datos: dict) -> dict:\n"
        '        return self.model({"datos": datos})\n'
    )
    command = [sys.executable, "-m", "bentoml", "serve", "service:Scoring", "--port", str(port)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    os.environ["BENTOML_DO_NOT_TRACK"] = "1"
    os.chdir(folder)
    os.execv(command[0], command)


def mlserver(port: int, pipeline: str) -> None:
    """MLServer, with a model of its own and its JSON route."""
    folder = Path(tempfile.mkdtemp(prefix="mlserver-"))
    (folder / "own.py").write_text(
        "from mlserver import MLModel\nfrom rivals import load\n\n\n"
        "class Scoring(MLModel):\n"
        "    async def load(self):\n"
        f"        self.model = load({pipeline!r})\n"
        "        return True\n\n"
        "    async def predict(self, payload):\n"
        "        from mlserver.codecs import StringCodec\n"
        "        import json\n"
        "        from mlserver.types import InferenceResponse\n"
        "        (text,) = StringCodec.decode_input(payload.inputs[0])\n"
        "        answer = json.dumps(self.model(json.loads(text)))\n"
        '        output = StringCodec.encode_output("answer", [answer])\n'
        "        return InferenceResponse(model_name=self.name, outputs=[output])\n"
    )
    settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0}
    (folder / "settings.json").write_text(json.dumps(settings | {"debug": False}))
    (folder / "model-settings.json").write_text(
        json.dumps({"name": "scoring", "implementation": "own.Scoring"})
    )
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), str(Path(__file__).parent), *sys.path])
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", "mlserver.cli.main", "start", "."])


if __name__ == "__main__":
    {"empty": empty, "fastapi": fastapi, "litserve": litserve, "bentoml": bentoml, "mlserver": mlserver}[
        sys.argv[1]
    ](int(sys.argv[2]), sys.argv[3])
