"""The commands as people start them: processes, what they print, how they end."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec

import pytest
from own_steps import KEY, HoldsAFrame, scorer_of
from sklearn.linear_model import LogisticRegression

from morosidad import Scorer, Settings
from morosidad.__main__ import main
from morosidad.asgi import load_scorer
from morosidad.asgi.guards.keys import Keyring
from morosidad.asgi.runtime import server
from morosidad.asgi.runtime.logs import log_config
from morosidad.errors import MissingExtra, SettingsError
from morosidad.model_file import artifact
from morosidad.scoring.content.original import PICKLE
from serving import FOUND
from support import needed


def ask(running, path, document=None, **headers):
    """Give status, headers and JSON."""
    body = None if document is None else json.dumps(document).encode()
    headers = {"Content-Type": "application/json", **headers} if body else headers
    request = urllib.request.Request(running.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=FOUND) as answer:
            return answer.status, answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.loads(error.read())


# -- serve ---------------------------------------------------------------------------------------------


def test_serve_says_where_everything_is_and_ends_well(run, applicant):
    server = run()
    status, headers, document = ask(server, "/predecir", {"datos": applicant})
    assert (status, document["modelo"]) == (200, Scorer.default().model)
    assert "server" not in headers
    code, out, err = server.stop()
    assert code == 0, err
    assert dict(line.split(None, 1) for line in out.splitlines()) == {
        "model": f"{Scorer.default().model} (a sample: it learned from made-up applicants)",
        "form": f"{server.url}/",
        "dashboard": f"{server.url}/dashboard",
        "description": f"{server.url}/openapi.json",
        "decisions": "not kept",
        "keys": "none",
    }
    assert "Traceback" not in err


def test_serve_on_a_port_that_is_taken_says_so_before_anything_else(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"can't listen on 127.0.0.1, port {port}" in err


@pytest.mark.parametrize("setting", ["audit_file", "kpi_file"])
def test_serve_says_at_once_that_a_file_of_its_own_has_no_place(setting, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "other")
    for place in [tmp_path / "absent" / "file", tmp_path, tmp_path / "link"]:
        monkeypatch.setenv(f"MOROSIDAD_{setting.upper()}", str(place))
        assert main(["serve", "--port", "0"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert f"{setting}: expected a file in a folder that is there" in err


def test_serve_takes_a_model_and_a_file_of_settings(run, tmp_path, trained, key_lines, keys):
    pipeline, X = trained
    Scorer(pipeline, reference=X, name="otro").save(tmp_path / "m.morosidad")
    settings = {"server_api_keys": list(key_lines), "server_access_log": True, "log_level": "WARNING"}
    (tmp_path / "s.json").write_text(json.dumps(settings))
    server = run("--model", "m.morosidad", "--settings", "s.json")
    assert ask(server, "/predecir", {"datos": {"moras": 1}})[0] == 401
    status, _, document = ask(server, "/predecir", {"datos": {"moras": 1}}, **{"X-API-Key": keys["score"]})
    assert (status, document["modelo"]) == (200, "otro@1")
    code, out, err = server.stop()
    assert (code, err) == (0, "")
    welcome, logged = out.splitlines()[:6], [json.loads(line) for line in out.splitlines()[6:]]
    assert welcome[0].split() == ["model", "otro@1"]
    assert welcome[5].split() == ["keys", "3"]
    assert [(line["ruta"], line["estado"]) for line in logged] == [("/predecir", 401), ("/predecir", 200)]


def test_two_processes_share_the_port_and_end_together(run, applicant):
    server = run("--workers", "2")
    statuses = [ask(server, "/predecir", {"datos": {**applicant, "edad": 20 + i}})[0] for i in range(12)]
    assert statuses == [200] * 12
    code, _, err = server.stop()
    assert code == 0, err
    assert "Traceback" not in err


def test_the_signal_to_stop_refuses_new_work_finishes_old_and_flushes(run, tmp_path, applicant):
    server = run(
        MOROSIDAD_AUDIT_FILE="d.jsonl",
        LOG_FLUSH_INTERVAL="1h",
        LOG_BUFFER_SIZE="100000",
        MOROSIDAD_SERVER_SHUTDOWN_GRACE="60s",
        MOROSIDAD_SERVER_READ_TIMEOUT="300s",
    )
    assert ask(server, "/predecir", {"datos": applicant})[0] == 200
    # a request of which half has arrived when the signal comes, admitted before it
    body = json.dumps([{**applicant, "edad": 20 + i % 60} for i in range(900)]).encode()
    slow = http.client.HTTPConnection("127.0.0.1", server.port, timeout=FOUND)
    slow.putrequest("POST", "/predecir/lote")
    slow.putheader("Content-Type", "application/json")
    slow.putheader("Content-Length", str(len(body)))
    slow.endheaders()
    slow.send(body[:1000])
    assert ask(server, "/salud/viva")[0] == 200  # what came before it on the loop has been taken
    server.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + FOUND
    status = 200
    while status == 200 and time.monotonic() < end:
        status, headers, document = ask(server, "/predecir", {"datos": applicant})
    assert (status, document["codigo"], headers["Retry-After"]) == (503, "E503", "1")
    assert headers["Connection"] == "close"
    assert ask(server, "/salud/lista")[0] == 503
    slow.send(body[1000:])
    answer = slow.getresponse()
    assert (answer.status, len(json.loads(answer.read()))) == (200, 900)
    slow.close()
    code, _, err = server.stop()
    assert code == 0, err
    kept = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(kept) >= 901


def test_an_interrupt_ends_well_too(run):
    assert run().stop(signal.SIGINT)[0] == 0


@pytest.fixture
def refused(tmp_path, python_path):
    """Run `morosidad serve`, which can't; give the exit code and the last line of what it says."""

    def refused(*arguments, **env):
        return _end_of(arguments, tmp_path, {"PYTHONPATH": python_path, **env})

    return refused


def _end_of(arguments, cwd, env):
    done = subprocess.run(
        [sys.executable, "-m", "morosidad", "serve", *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=FOUND,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr.strip().splitlines()[-1]


def test_other_machines_are_not_listened_to_without_keys(refused):
    code, out, said = refused("--host", "0.0.0.0")
    assert (code, out) == (2, "")
    assert "without keys" in said


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["--port", "muchos"], {}, "server_port (argument): expected a whole number"),
        (["--workers", "0"], {}, "server_processes (argument): expected"),
        (["--model", "nada.morosidad"], {}, "nada.morosidad"),
        (["--model", "nada.morosidad", "--workers", "2"], {}, "nada.morosidad"),
        (["--settings", "nada.json"], {}, "nada.json: expected a readable text file"),
        ([], {"RATE_LIMIT_PER_MINUTE": "0"}, "RATE_LIMIT_PER_MINUTE"),
        ([], {"MOROSIDAD_RATE_LIMIT_STORAGE": "http://localhost"}, "rate_limit_storage"),
    ],
)
def test_what_can_not_be_served_is_said_in_a_line(refused, arguments, env, said):
    code, _, line = refused(*arguments, **env)
    assert code == 2
    assert line.startswith("morosidad: ")
    assert said in line


def test_who_says_so_in_as_many_words_serves_everybody_without_keys(run):
    server = run("--without-keys", "--host", "0.0.0.0")
    status, _, _ = ask(server, "/salud/lista", Host="anything.example")
    assert status == 200


@pytest.mark.parametrize(
    ("settings", "open_door"),
    [
        ({"server_host": "0.0.0.0"}, False),
        ({"server_host": "::"}, False),
        ({"server_host": "192.0.2.1"}, False),
        ({"server_host": "example.org"}, False),
        ({"server_host": "127.0.0.2"}, True),
        ({"server_host": "::1"}, True),
        ({"server_host": "localhost"}, True),
        ({"server_host": "0.0.0.0", "server_anonymous": True}, True),
        ({"server_host": "0.0.0.0", "server_api_keys": ["a:score:" + "0" * 64]}, True),
    ],
)
def test_where_a_server_without_keys_may_listen(settings, open_door):
    if open_door:
        server.refuse_unprotected(Settings(**settings))
    else:
        with pytest.raises(SettingsError, match="server_host"):
            server.refuse_unprotected(Settings(**settings))


def test_serving_without_uvicorn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[server\]"):
        server.serve(Settings(), {}, 5000)


def test_serve_hands_the_settings_to_every_process(monkeypatch, capsys):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    before = signal.getsignal(signal.SIGTERM)
    ran = []
    monkeypatch.setattr("uvicorn.run", lambda *given, **how: ran.append((given, how, dict(os.environ))))
    try:
        assert main(["serve", "--workers", "3", "--port", "0", "--without-keys"]) == 0
        with pytest.raises(SystemExit) as caught:
            signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == 0
    [(given, how, environment)] = ran
    assert given == ("morosidad.asgi:app",)
    assert (how["factory"], how["workers"], how["proxy_headers"]) == (True, 3, False)
    assert how["port"] > 0
    assert environment["MOROSIDAD_SERVER_ANONYMOUS"] == "true"
    assert environment["MOROSIDAD_KPI_FILE"].endswith("kpi")
    assert f"http://127.0.0.1:{how['port']}/dashboard" in capsys.readouterr().out


def test_a_pickle_is_served_with_its_key_and_when_allowed_only(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    scorer = scorer_of(LogisticRegression(), HoldsAFrame())
    members = {PICKLE: pickle.dumps(scorer._model.compiled.original.estimator)}
    artifact.save(tmp_path / "m", artifact.Content(scorer._model.content.manifest, (), members), KEY)
    (tmp_path / "key").write_bytes(KEY + b"\n")
    served = []
    monkeypatch.setattr(server, "serve", lambda settings, environment, port: served.append(environment))
    arguments = ["serve", "--without-keys", "--port", "0", "--language", "en", "--model", str(tmp_path / "m")]
    key = ["--key-file", str(tmp_path / "key")]
    assert main([*arguments, "--allow-pickle"]) == 2
    assert "give the key" in capsys.readouterr().err
    assert main([*arguments, *key]) == 2
    assert "--allow-pickle" in capsys.readouterr().err
    assert served == []
    assert main([*arguments, *key, "--allow-pickle"]) == 0
    [environment] = served
    loaded = load_scorer(Settings.load(None, environment))
    record = {"ingresos": 300.0, "empleo": "libre", "moras": 4}
    assert loaded.score_one(record).probability == scorer.score_one(record).probability


def test_the_address_of_an_ipv6_host_can_be_clicked():
    from morosidad.commands.serve import welcome

    said = welcome(Settings(server_host="::1", server_model="m", audit_file="d", language="en"), "m@1", 80)
    assert "http://[::1]:80/dashboard" in said
    assert "model       m@1\n" in said
    assert "decisions   d\n" in said


def test_the_logs_have_a_level_and_the_access_log_stands_alone():
    config = log_config("ERROR")
    assert config["loggers"]["morosidad"]["level"] == config["loggers"]["uvicorn"]["level"] == "ERROR"
    assert config["loggers"]["morosidad.asgi.access"]["level"] == "INFO"


def test_uvicorn_alone_serves_the_factory(run, applicant):
    needed(find_spec("uvicorn") is not None, "uvicorn")
    command = [sys.executable, "-m", "uvicorn", "--factory", "morosidad.asgi:app"]
    server = run(command=command)
    assert ask(server, "/predecir", {"datos": applicant})[0] == 200
    assert ask(server, "/predecir", {"datos": applicant}, **{"X-Request-ID": "r-1"})[2]["request_id"] == "r-1"
    server.stop()


# -- key -----------------------------------------------------------------------------------------------


def printed(capsys) -> dict[str, str]:
    return dict(line.split() for line in capsys.readouterr().out.splitlines())


def test_key_prints_a_key_and_the_line_for_the_settings(capsys):
    assert main(["key", "banco"]) == 0
    shown = printed(capsys)
    found = Keyring([shown["server_api_keys"]]).find(shown["key"].encode())
    assert found is not None
    assert (found.name, found.scopes) == ("banco", {"score"})


def test_key_gives_the_scopes_that_are_named(capsys):
    assert main(["key", "ops", "--scopes", "metrics,admin"]) == 0
    shown = printed(capsys)
    assert Keyring([shown["server_api_keys"]]).find(shown["key"].encode()).scopes == {"metrics", "admin"}


@pytest.mark.parametrize(
    "arguments", [["a b"], ["a:b"], ["a", "--scopes", "root"], ["a", "--scopes", ""], ["a,b"]]
)
def test_key_refuses_what_the_settings_would(capsys, arguments):
    assert main(["key", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("--scopes: some of" in shown.err) == ("--scopes" in arguments)
    assert ("name: letters" in shown.err) == ("--scopes" not in arguments)


def test_a_mistake_on_the_command_line_is_named_as_one(capsys):
    assert main(["serve", "--port", "high", "--workers", "0"]) == 2
    assert capsys.readouterr().err == (
        "morosidad: server_port (argument): expected a whole number from 0 to 65535; "
        "server_processes (argument): expected a whole number from 1 up\n"
    )
