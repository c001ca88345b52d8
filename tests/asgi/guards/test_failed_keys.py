"""Repeated wrong keys: throttled by address, told by an alert; who did what stands in the log."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from morosidad.asgi.guards.failed_keys import MOST, FailedKeys
from morosidad.asgi.problems import forbidden, unavailable
from serving import FOUND, wait_until


def ask(url: str, path: str, key: str | None = None, *, post: bool = False) -> tuple[int, str]:
    headers = {} if key is None else {"X-API-Key": key}
    request = urllib.request.Request(url + path, b"" if post else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=FOUND) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_each_address_and_each_minute_is_counted_alone() -> None:
    now = [0.0]
    failed = FailedKeys(lambda: now[0])
    codes = [failed.judged("a", forbidden("")).code for _ in range(MOST + 2)]
    assert codes == ["E403"] * MOST + ["E429"] * 2
    assert failed.judged("b", forbidden("")).code == "E403"
    assert failed.judged("a", unavailable("")).code == "E503"
    assert failed.throttled == 2
    now[0] = 60.0
    assert failed.judged("a", forbidden("")).code == "E403"


def test_wrong_keys_are_throttled_and_told_and_a_right_one_is_let_in(run, key_lines, keys) -> None:
    server = run(MOROSIDAD_SERVER_API_KEYS=",".join(key_lines), METRICS_INTERVAL="0.1")
    found = {ask(server.url, "/metrics")[0] for _ in range(MOST)}
    assert found == {401}
    assert {ask(server.url, "/metrics", key)[0] for key in (None, "wrong")} == {429}

    def told() -> bool:
        ask(server.url, "/metrics")
        return 'codigo="claves"' in ask(server.url, "/metrics", keys["metrics"])[1]

    wait_until(told)


def test_each_attempt_to_reload_leaves_a_line_that_says_who_and_what(run, tmp_path, key_lines, keys) -> None:
    server = run(MOROSIDAD_SERVER_API_KEYS=",".join(key_lines), MOROSIDAD_LOG_FORMAT="json")
    assert ask(server.url, "/admin/recargar", keys["admin"], post=True)[0] in (200, 500)
    for key in (None, "wrong", keys["score"]):
        assert ask(server.url, "/admin/recargar", key, post=True)[0] in (401, 403)
    code, out, err = server.stop()
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [(line["accion"], line["quien"], line["direccion"]) for line in lines] == [
        ("recargar", who, "127.0.0.1") for who in ("clave:admin", "127.0.0.1", "127.0.0.1", "clave:score")
    ]
    assert lines[0]["resultado"] in ("hecho", "fallo")
    assert [(line["resultado"], line["estado"]) for line in lines[1:]] == [
        ("rechazado", 401), ("rechazado", 403), ("rechazado", 403)
    ]  # fmt: skip
    assert lines[0]["de"]
    assert lines[0]["a"]
    assert lines[0]["hora"].endswith("+00:00")
    for line in err.splitlines():
        assert {"hora", "nivel", "origen", "mensaje"} <= json.loads(line).keys()
