"""Score inside a Flask application of your own.

It needs ``pip install flask``.
Run it: ``python examples/flask_app.py``. To serve it: ``flask --app flask_app run`` in this folder.
"""

import msgspec
from flask import Flask, Response, request

from morosidad import KPITracker, RecoveryPolicy, Scorer
from morosidad.errors import InvalidRecord, TransientError

app = Flask(__name__)
kpis = KPITracker()
scorer = Scorer.default(kpis=kpis, recovery=RecoveryPolicy())  # one for all threads
scorer.warm_up()


def json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, mimetype="application/json")


@app.post("/solicitudes")
def decide() -> Response:
    return json(scorer.score_one(request.get_data(), request.headers.get("X-Request-ID")))


@app.post("/solicitudes/lote")
def decide_all() -> Response:
    return json(scorer.score_many(request.get_json()))  # in order; an error stands in its record's place


@app.get("/kpis")
def figures() -> Response:
    return json(kpis.report())


@app.errorhandler(InvalidRecord)
def invalid(error: InvalidRecord) -> Response:
    return json({"errores": error.errors}, 422)


@app.errorhandler(TransientError)
def busy(error: TransientError) -> Response:
    return json({"error": "intente de nuevo"}, 503)


def main() -> None:
    applicant = {"edad": 41, "ingresos": 2_400_000, "monto_credito": 6_000_000, "plazo_meses": 36}
    client = app.test_client()

    answer = client.post("/solicitudes", json=applicant, headers={"X-Request-ID": "a-1"})
    decision = answer.get_json()
    print(decision["decision"], decision["probabilidades"], decision["modelo"])
    assert decision["request_id"] == "a-1"
    assert decision["probabilidades"][1] == scorer.score_one(applicant).probability

    refused = client.post("/solicitudes", data=b'{"edad": 17}')
    print(refused.status_code, [error["campo"] for error in refused.get_json()["errores"]])
    assert refused.status_code == 422

    first, second = client.post("/solicitudes/lote", json=[applicant, {"edad": 17}]).get_json()
    assert first["decision"] == decision["decision"]
    assert second["indice"] == 1
    assert client.get("/kpis").get_json()["total_predicciones_analizadas"] == 3


if __name__ == "__main__":
    main()
