"""Refusals of work: overload, full queues, deadlines, and the server's end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from morosidad.asgi.service import BATCHED
from morosidad.errors import DeadlineExceeded
from refusals import assert_refused
from serving import wait_until


@pytest.mark.parametrize("path", ["/predecir", "/predecir/lote"])
def test_e503_while_draining_or_overloaded(serve, applicant, path):
    client = serve()
    service = client.app.state.service
    service.loop_load.overloaded = True
    body = [applicant] if path.endswith("lote") else {"datos": applicant}
    answer = client.post(path, json=body)
    assert_refused(answer, "E503")
    assert (answer.headers["retry-after"], "connection" in answer.headers) == ("1", False)
    service.loop_load.overloaded = False
    assert client.post(path, json=body).status_code == 200
    service.drain()
    answer = client.post(path, json=body)
    assert_refused(answer, "E503")
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


def test_what_is_no_work_is_answered_while_draining(serve, applicant):
    client = serve()
    client.app.state.service.drain()
    assert client.post("/validar", json={"datos": applicant}).json()["valido"]
    assert client.get("/salud/viva").status_code == 200
    assert client.get("/salud/lista").status_code == 503
    assert client.get("/metrics").status_code == 200


def test_e503_when_the_queue_is_full_and_e504_when_the_deadline_passes(serve, moody):
    model, scorer = moody()
    client = serve(scorer, queue_size=1, timeout_prediction=0.3)
    batcher = client.app.state.service._batcher
    record = {"datos": {"moras": 1}}
    model.entered.clear()
    model.go_on.clear()
    try:
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(client.post, "/predecir", json=record)
            assert model.entered.wait(60)
            second = threads.submit(client.post, "/predecir", json={"datos": {"moras": 2}})
            wait_until(lambda: batcher.stats().queued or second.done())
            answers = [
                client.post("/predecir", json={"datos": {"moras": 3}}),
                first.result(60),
                second.result(60),
            ]
    finally:
        model.go_on.set()
    codes = [assert_refused(answer, answer.json()["codigo"])["codigo"] for answer in answers]
    assert codes[1:] == ["E504", "E504"]
    assert codes[0] in ("E503", "E504")
    service, late = client.app.state.service, codes.count("E504")
    assert service.kpis.counts().timeouts == late
    service.alert_monitor.check()
    (alert,) = [alert for alert in service.alerts.active if alert.code == "plazos"]
    assert alert.message == f"El modelo no respondió a tiempo a {late} solicitudes"
    service.alert_monitor.check()
    assert "plazos" not in {alert.code for alert in service.alerts.active}


def test_a_wrong_record_does_not_wait_for_a_model_that_hangs(serve, moody):
    model, scorer = moody()
    client = serve(scorer, timeout_prediction=300.0)
    model.entered.clear()
    model.go_on.clear()
    try:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(client.post, "/predecir", json={"datos": {"moras": 1}})
            assert model.entered.wait(60)
            assert_refused(client.post("/predecir", json={"datos": {"moras": -1}}), "E002")
            assert not first.done()
            model.go_on.set()
            assert first.result(60).status_code == 200
    finally:
        model.go_on.set()


def test_a_batch_that_is_not_decided_in_time_is_counted_as_late(serve, moody):
    model, scorer = moody()
    client = serve(scorer, timeout_prediction=0.2)
    model.go_on.clear()
    try:
        assert_refused(client.post("/predecir/lote", json=[{"moras": 1}]), "E504")
    finally:
        model.go_on.set()
    service = client.app.state.service
    assert (service.kpis.counts().timeouts, service.refused) == (1, {("/predecir/lote", "E504"): 1})


def test_a_deadline_that_the_scorer_itself_kept_is_counted_once(serve, applicant, monkeypatch):
    def too_late(*_, **__):
        service.kpis.record(0.1, outcome="timeout")  # as the scorer does
        raise DeadlineExceeded("late", seconds=0.1)

    client = serve()
    service = client.app.state.service
    monkeypatch.setattr(service, "mode", BATCHED)
    monkeypatch.setattr(service.scorer, "score_many", too_late)
    assert_refused(client.post("/predecir", json={"datos": applicant}), "E504")
    assert (service.kpis.counts().timeouts, service.refused) == (1, {("/predecir", "E504"): 1})


def test_an_alert_tells_of_decisions_that_were_refused(serve, applicant):
    client = serve()
    service = client.app.state.service

    def alerts():
        service.alert_monitor.check()
        return {alert.code: alert.message for alert in service.alerts.active}

    assert "rechazos" not in alerts()
    service.loop_load.overloaded = True
    for path, body in (("/predecir", {"datos": applicant}), ("/predecir/lote", [applicant])):
        assert_refused(client.post(path, json=body), "E503")
    assert alerts()["rechazos"] == "Solicitudes que no se pudieron atender: 2"
    service.loop_load.overloaded = False
    client.post("/predecir", json={"datos": applicant})
    assert "rechazos" not in alerts()
    assert_refused(client.post("/predecir", json={"datos": {}}), "E002")
    service.drain()
    assert client.get("/salud/lista").status_code == 503
    assert "rechazos" not in alerts()  # no decision was refused
