"""Score inside a FastAPI application of your own.

It needs ``pip install fastapi uvicorn httpx2``.
Run it: ``python examples/fastapi_app.py``. To serve it: ``uvicorn fastapi_app:app`` in this folder.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from morosidad import KPITracker, Scorer, TieredCache
from morosidad.errors import InvalidRecord, TransientError

scorer = Scorer.default(cache=TieredCache(), kpis=KPITracker())  # or Scorer.load("model.morosidad")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    scorer.warm_up()  # before the first request, not during it
    yield


app = FastAPI(title="Solicitudes", lifespan=lifespan)
body = {"required": True, "content": {"application/json": {"schema": scorer.schema.json_schema()}}}


def json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


@app.post("/solicitudes", openapi_extra={"requestBody": body})
async def decide(request: Request) -> Response:
    # The schema reads the bytes themselves, and a compiled model takes microseconds: no thread is needed.
    return json(scorer.score_one(await request.body(), request.headers.get("x-request-id")))


@app.get("/kpis")
async def kpis() -> Response:
    assert scorer.parts["kpis"] is not None
    return json(scorer.parts["kpis"].report())


@app.exception_handler(InvalidRecord)
async def invalid(request: Request, error: InvalidRecord) -> Response:
    return json({"errores": error.errors}, 422)


@app.exception_handler(TransientError)
async def busy(request: Request, error: TransientError) -> Response:
    return json({"error": "intente de nuevo"}, 503)


def main() -> None:
    applicant = {"edad": 41, "ingresos": 2_400_000, "monto_credito": 6_000_000, "plazo_meses": 36}
    with TestClient(app) as client:
        answer = client.post("/solicitudes", json=applicant, headers={"x-request-id": "a-1"})
        decision = answer.json()
        print(decision["decision"], decision["probabilidades"], decision["modelo"])
        assert answer.status_code == 200
        assert decision["request_id"] == "a-1"
        assert decision["probabilidades"][1] == scorer.score_one(applicant).probability

        refused = client.post("/solicitudes", json={"edad": 17})
        print(refused.status_code, [error["campo"] for error in refused.json()["errores"]])
        assert refused.status_code == 422

        figures = client.get("/kpis").json()
        assert figures["total_predicciones_analizadas"] == 2, "what was refused is not the model's doing"
        described = client.get("/openapi.json").json()["paths"]["/solicitudes"]["post"]["requestBody"]
        assert "edad" in described["content"]["application/json"]["schema"]["properties"]


if __name__ == "__main__":
    main()
