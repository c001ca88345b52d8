"""The command line in each language, on terminals and pipes that can't show every sign."""

from __future__ import annotations

import argparse
import ast
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad import AuditLog, Scorer
from morosidad.__main__ import COMMANDS, main
from morosidad.commands.terminal.output import readable_output, shown
from morosidad.commands.terminal.parsing import language_of
from morosidad.languages import LANGUAGES, Language, words
from support import small_frame

Run = Callable[..., tuple[int, str, str]]


class _Pipe(io.TextIOWrapper):
    """A pipe that takes the signs of one encoding, and no other."""

    def __init__(self, encoding: str) -> None:
        self.taken = io.BytesIO()
        super().__init__(self.taken, encoding=encoding, errors="strict", write_through=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(encoding: str, *argv: str) -> tuple[int, str, str]:
        out, err = _Pipe(encoding), _Pipe(encoding)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            try:
                code = main(list(argv))
            except SystemExit as ended:
                code = int(str(ended.code))
        assert (out.errors, err.errors) == ("strict", "strict")
        return code, out.taken.getvalue().decode(encoding), err.taken.getvalue().decode(encoding)

    return run


@pytest.fixture
def log(tmp_path: Path, model: Path) -> Path:
    path = tmp_path / "decisiones.jsonl"
    with AuditLog(path) as audit:
        scorer = Scorer.load(model, audit=audit)
        for record in small_frame()[0].head(3).to_dict("records"):
            scorer.score_one(record)
    return path


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp850", "utf-8"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_shows_what_it_can(
    run: Run, encoding: str, language: Language, model: Path, data: Path, log: Path, tmp_path: Path
) -> None:
    out, bad = str(tmp_path / "año→.csv"), tmp_path / "malo.csv"
    bad.write_text("ingresos,empleo,moras\nx,libre,1\n", encoding="utf-8")
    for expected, command in (
        (0, ["inspect", str(model)]),
        (0, ["inspect", str(model), "--json"]),
        (0, ["audit", "verify", str(log)]),
        (0, ["audit", "replay", str(log), "--model", str(model)]),
        (1, ["audit", "find", "año→", str(log)]),
        (0, ["audit", "export", str(log), str(tmp_path / "año→.jsonl")]),
        (2, ["audit", "forget", "año→", str(log)]),
        (0, ["audit", "prune", "--keep-files", "3", str(log)]),
        (2, ["audit", "prune", str(log)]),
        (0, ["audit", "archive", str(log), str(tmp_path)]),
        (2, ["compile", "no→hay", "--reference", str(data), "-o", out]),
        (2, ["serve", "no→hay"]),
        (2, ["inspect", "no→hay"]),
        *((0, ["audit", action, "--help"]) for action in ("verify", "replay", "find", "forget", "prune")),
        (0, ["score", str(model), str(data), "-o", out, "--reasons"]),
        (1, ["score", str(model), str(bad), "-o", str(tmp_path / "o.csv")]),
        (2, ["score", str(model), "no→hay.csv", "-o", out]),
        (2, ["train", str(data), "--target", "año→", "-o", out]),
        (0, ["key", "año"]),
        (0, ["--help"]),
        *((0, [command, "--help"]) for command in COMMANDS),
        (2, ["train"]),
        (2, ["nada→"]),
    ):
        code, *_ = run(encoding, "--language", language, *command)
        assert code == expected, command


def test_what_was_shown_before_is_shown_still(run: Run, log: Path, model: Path) -> None:
    _, text, _ = run("utf-8", "--language", "es", "audit", "verify", str(log))
    assert text.startswith("ÍNTEGRO: 3 líneas en 1 archivo, 3 decisiones")
    _, text, _ = run("ascii", "--language", "es", "audit", "verify", str(log))
    assert text.startswith("INTEGRO: 3 lineas en 1 archivo, 3 decisiones")
    _, text, _ = run("cp1252", "--language", "en", "inspect", str(model))
    assert "|dp| <= " in text
    assert " µs from values to decision" in text


def test_json_means_the_same_on_every_pipe(run: Run, model: Path) -> None:
    documents = []
    for encoding in ("ascii", "cp1252", "utf-8"):
        _, text, _ = run(encoding, "inspect", str(model), "--json")
        documents.append(json.loads(text))
        documents[-1]["plan"].pop("latency")
    assert documents[0] == documents[1] == documents[2]


def test_files_are_utf_8_whatever_the_pipe_is(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    run("ascii", "--language", "es", "score", str(model), str(data), "-o", str(out), "--reasons")
    assert "aumenta el riesgo" in (text := out.read_text(encoding="utf-8")) or "de lo habitual" in text
    bad = tmp_path / "malo.csv"
    bad.write_text("ingresos,empleo,moras\nx,ñandú,1\n", encoding="utf-8")
    run("ascii", "--language", "es", "score", str(model), str(bad), "-o", str(out))
    assert "se esperaba un número" in (tmp_path / "o.bad.csv").read_text(encoding="utf-8")


@given(
    text=st.text(), encoding=st.sampled_from(["ascii", "cp1252", "latin-1", "cp437", "shift_jis", "utf-8"])
)
def test_whatever_is_shown_can_be_written_and_what_can_be_written_is_shown(text: str, encoding: str) -> None:
    told = shown(text, encoding)
    told.encode(encoding)
    kept = "".join(sign for sign in text if shown(sign, encoding) == sign)
    if kept == text:
        assert told == text
    pipe = _Pipe(encoding)
    before, sys.stdout = sys.stdout, pipe
    try:
        with readable_output():
            print(text, end="")
    finally:
        sys.stdout = before
    assert pipe.taken.getvalue() == told.encode(encoding)


def test_letters_lose_their_accents_and_signs_are_written_in_others() -> None:
    assert shown("Crédito «ágil» → ≤ 5 µs … ¿sí? −1", "ascii") == 'Credito "agil" -> <= 5 us ... ?si? -1'
    assert shown("中\ud800", "ascii") == "\\u4e2d\\ud800"
    assert shown("informe_\udcf1.csv", "utf-8") == "informe_\\udcf1.csv"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_the_bytes_of_a_name_come_back_where_they_came_back_before(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = _Pipe(encoding)
    pipe.reconfigure(errors="surrogateescape")
    monkeypatch.setattr(sys, "stdout", pipe)
    with readable_output():
        print("escrito → \udcc3\udcb3.csv", end="")
    before = "escrito → ".encode() if encoding == "utf-8" else b"escrito -> "
    assert pipe.taken.getvalue() == before + b"\xc3\xb3.csv"


# -- which language ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_is_given_before_or_after_the_command(
    run: Run, model: Path, log: Path, language: Language
) -> None:
    title = words(language, "reports")["latency"]
    for argv in (
        ["--language", language, "inspect", str(model)],
        ["inspect", "--language", language, str(model)],
        ["inspect", str(model), f"--language={language}"],
        ["inspect", str(model), "--lang", language],
    ):
        assert title in run("utf-8", *argv)[1]
    sound = words(language, "reports")["sound"]
    for argv in (
        ["audit", "--language", language, "verify", str(log)],
        ["audit", "verify", str(log), "--language", language],
    ):
        assert run("utf-8", *argv)[1].startswith(sound)


def test_the_argument_goes_before_the_environment_and_that_before_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert language_of([], {}) == "es"
    (tmp_path / "ajustes.json").write_text('{"language": "pt", "queue_size": "no"}', encoding="utf-8")
    named = {"MOROSIDAD_SETTINGS_FILE": "ajustes.json"}
    assert language_of([], named) == "pt"
    (tmp_path / ".env").write_text("MOROSIDAD_LANGUAGE=en\nMOROSIDAD_QUEUE_SIZE=no\n", encoding="utf-8")
    assert language_of([], named) == "en"
    assert language_of([], {**named, "MOROSIDAD_LANGUAGE": "pt"}) == "pt"
    assert language_of([], {**named, "MOROSIDAD_LANGUAGE": ""}) == "en"
    assert language_of(["demo", "--language", "es"], {**named, "MOROSIDAD_LANGUAGE": "pt"}) == "es"
    assert language_of([], {"LANGUAGE": "pt:en", "LANG": "pt_BR.UTF-8"}) == "en"  # the system's are not ours


def test_what_is_no_language_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("utf-8", "--language", "fr", "demo")
    assert (code, "--language" in err, "Traceback" in err) == (2, True, False)
    monkeypatch.setenv("MOROSIDAD_LANGUAGE", "fr")
    code, _, err = run("utf-8", "demo")
    assert code == 2
    assert err == "morosidad: MOROSIDAD_LANGUAGE (entorno): se esperaba uno de es, en, pt\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_are_told_in_the_language(run: Run, language: Language, tmp_path: Path) -> None:
    expected = words(language, "errors")["no_file"].format(path="nada")
    assert run("utf-8", "--language", language, "inspect", "nada")[2] == f"morosidad: {expected}\n"


def test_the_parser_of_arguments_says_nothing_that_is_not_translated() -> None:
    """Each text that this version of Python's argparse looks up, but those that no command can meet."""
    asked = {
        node.args[0].value
        for node in ast.walk(ast.parse(Path(argparse.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ("_", "ngettext")
        and isinstance(node.args[0], ast.Constant)
    }
    never = ("conflicting", "cannot", "mutually exclusive", ".__call__", "'required'", "invalid option")
    never += ("invalid conflict", "dest=", "with mode %r", "unexpected option", "%r is not")
    never += ("can't open", "deprecated")
    known = set(words("en", "parsing").values())
    assert {text for text in asked - known if not any(part in text for part in never)} == set()
