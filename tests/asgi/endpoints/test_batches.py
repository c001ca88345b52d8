"""What a batch costs: its records count against the limit, help and errors are bounded, requests go on."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from morosidad import Scorer, Settings
from morosidad.asgi import service as service_module
from morosidad.asgi.service import Service
from serving import FOUND

PERSON = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}


def post(url: str, document: object) -> tuple[int, bytes, Any]:
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=FOUND) as answer:
            data = answer.read()
            return answer.status, data, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_a_batch_counts_as_many_decisions_as_it_holds(run) -> None:
    server = run(RATE_LIMIT_ENABLED="true", RATE_LIMIT_PER_MINUTE="10")
    url = f"{server.url}/predecir/lote"
    assert post(url, [PERSON] * 7)[0] == 200
    status, data, headers = post(url, [PERSON] * 7)
    assert (status, "quedan 2 registros" in json.loads(data)["error"]) == (429, True), data
    assert int(headers["retry-after"]) >= 1
    assert [post(url, [PERSON] * 2)[0] for _ in range(2)] == [200, 429]
    assert post(f"{server.url}/predecir", {"datos": PERSON})[0] == 429


def test_near_misses_are_helped_a_few_times_and_an_answer_has_a_size(run) -> None:
    server = run()
    wrong = {f"{name}{i}": 1 for i in range(30) for name in ("edadd", "plazo_mese")}
    status, data, _ = post(f"{server.url}/predecir/lote", [wrong] * 1000)
    found = json.loads(data)
    assert (status, len(found), [item["indice"] for item in found]) == (200, 1000, list(range(1000)))
    assert 0 < data.count(b"quiso decir") <= 5
    assert len(data) < 1_000_000
    assert all(item["codigo"] == "E002" and item["errores"] for item in found)
    status, data, _ = post(f"{server.url}/predecir", {"datos": {f"edad{i}": 1 for i in range(9000)}})
    assert (status, len(data) < 50_000) == (400, True)


@pytest.mark.parametrize("mode", [service_module.INLINE, service_module.BATCHED])
def test_others_have_their_turn_while_a_batch_is_decided(monkeypatch, mode) -> None:
    monkeypatch.setattr(service_module, "_SLICE", 0.0)
    used = Settings(audit_file=None, rate_limit_enabled=False, metrics_enabled=False)

    async def turns() -> int:
        service = Service(Scorer.default(), used)
        await service.start()
        service.mode = mode
        counted, answers = 0, []
        try:
            deciding = asyncio.create_task(service.score_batch([PERSON] * 200, "x", answers.append))
            while not deciding.done():
                await asyncio.sleep(0)
                counted += 1
            assert [answer.request_id for answer in answers] == [f"x.{i}" for i in range(200)]
        finally:
            await service.stop()
        return counted

    assert asyncio.run(turns()) >= 200
