"""A .env file is read as python-dotenv reads it, and nothing in it is lost without an error."""

from __future__ import annotations

import io
import logging
import os
from unittest import mock

import pytest
from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.settings import load, problems
from morosidad.errors import SettingsError

TEXTS = ("server_model", "kpi_file")  # settings that take any text


def as_dotenv_reads(text: str, env: dict[str, str]) -> dict[str, str | None]:
    with mock.patch.dict(os.environ, env, clear=True):
        read = dotenv_values(stream=io.StringIO(text))
    prefixed = {name: read.get(f"MOROSIDAD_{name.upper()}") for name in TEXTS}
    return {name: prefixed[name] or read.get(name.upper()) or None for name in TEXTS}


def as_we_read(path, text: str, env: dict[str, str]) -> dict[str, str | None]:
    path.write_bytes(text.encode("utf-8"))
    settings = load(dotenv=path, env=env)
    return {name: getattr(settings, name) for name in TEXTS}


plain = st.text("abz019./:_- ñ", min_size=1, max_size=8).map(str.strip).filter(bool)
quoted = st.text("abz #=$\n\t{}ñ€\\'\"", max_size=10)
values = st.one_of(
    plain,
    st.tuples(plain, st.just(" # a comment, isn't it")).map("".join),
    quoted.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    quoted.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    st.sampled_from(["${OUTSIDE}", '"${OTHER:-x}/y"', "'${OTHER}'", "${ABSENT:-}", "$OUTSIDE", ""]),
)
names = st.sampled_from(["SERVER_MODEL", "MOROSIDAD_SERVER_MODEL", "KPI_FILE", "DATABASE"])
lines = st.tuples(
    st.sampled_from(["", "export ", "  ", "\texport  "]),
    names,
    st.sampled_from(["=", " = ", "= "]),
    values,
    st.sampled_from(["\n", "\r\n", "\n\n", " \n# it's\n"]),
).map("".join)
files = st.tuples(
    st.sampled_from(["", "\ufeff"]), st.just("OTHER=o\n"), st.lists(lines, max_size=5).map("".join)
).map("".join)
signs = st.sampled_from(["=", "'", '"', "\n", "\r\n", " ", "#", "a", "\\", "${", "}", ":-"])
unseen = st.sampled_from(["\ufeff", "\u2028", "\u00a0", "\0"])
words = st.sampled_from(["SERVER_MODEL", "KPI_FILE", "X", "${X}", "export ", "MOROSIDAD_"])
fragments = st.lists(signs | words | unseen, max_size=24).map("".join)
ENV = {"OUTSIDE": "out side"}


@given(files)
def test_sound_files_are_read_as_python_dotenv_reads_them(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("sound") / "e.env"
    try:
        ours = as_we_read(path, text, ENV)
    except SettingsError as error:
        if all("expected once" in problem for problem in error.problems):
            return
        raise
    universal = text.removeprefix("\ufeff").replace("\r\n", "\n")
    assert ours == as_dotenv_reads(universal, ENV)


@given(fragments)
@example('SERVER_MODEL="a\nKPI_FILE=b\nX="')
@example("X='a\nKPI_FILE=b\n# the users'\n")
@example("X=\nKPI_FILE: b\n")
def test_what_is_read_from_any_text_is_what_python_dotenv_reads(tmp_path_factory, text):
    warnings: list[logging.LogRecord] = []
    path = tmp_path_factory.mktemp("any") / "e.env"
    try:
        ours = as_we_read(path, text, {})
    except SettingsError:
        return
    universal = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    handler = logging.Handler()
    handler.emit = warnings.append  # type: ignore[method-assign]
    logging.getLogger("dotenv.main").addHandler(handler)
    try:
        expected = as_dotenv_reads(universal, {})
    finally:
        logging.getLogger("dotenv.main").removeHandler(handler)
    assert not warnings
    assert ours == expected


PROTECTED = "MOROSIDAD_SERVER_API_KEYS=a:score:" + "0" * 64 + "\nMOROSIDAD_AUDIT_VALUES=none\n"


@given(
    st.sampled_from(["'", '"']),
    st.text("ab #=\\ñ", max_size=6),
    st.sampled_from(["", "B={q}x{q}", "B={q}", "# don{q}t", "# the users{q}", "B={q}{q}", "B={q}# x{q}\n"]),
    st.sampled_from(["X", "MOROSIDAD_SERVER_MODEL", "export Y", "MOROSIDAD_AUDIT_KEY"]),
)
def test_an_unclosed_quote_switches_nothing_off(tmp_path_factory, quote, inside, after, name):
    path = tmp_path_factory.mktemp("unclosed") / "e.env"
    path.write_text(f"\n{name}={quote}{inside}\n{PROTECTED}{after.format(q=quote)}", encoding="utf-8")
    found = problems(dotenv=path)
    assert found[0].startswith(f"{path}, line 2: expected ")


def test_a_line_that_can_not_be_read_is_told_by_number_without_its_content(tmp_path):
    path = tmp_path / "e.env"
    path.write_text(f"# keys\n\nTOKEN='hunter2\n{PROTECTED}SECRET=hunter2 'x\nhunter2: 3\nhunter2-4\n")
    found = problems(dotenv=path)
    assert [problem.split(": expected")[0] for problem in found] == [f"{path}, line {n}" for n in (3, 7, 8)]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("value", ["${KEYS}", "'${KEYS}'", "a${KEYS}b", "${EMPTY}"])
def test_a_setting_is_not_made_of_what_nothing_sets(tmp_path, value):
    path = tmp_path / "e.env"
    path.write_text(f"OTHER={value}\nSERVER_MODEL={value}\n")
    (problem,) = problems(dotenv=path, env={"EMPTY": ""})
    assert problem == f"{path}, line 2: expected each ${{NAME}} to be set, or ${{NAME:-default}}"


@pytest.mark.parametrize(
    "name", ['"LOG_LEVEL"', "LOG-LEVEL", "\u200bLOG_LEVEL", "LOG_LEVEL[0]", "MOROSIDAD_X"]
)
def test_a_name_that_was_meant_as_a_setting_is_not_passed_over(tmp_path, name):
    path = tmp_path / "e.env"
    path.write_text(f"{name}=DEBUG\n", encoding="utf-8")
    (problem,) = problems(dotenv=path)
    assert "expected the name of a setting" in problem


def test_a_default_file_that_leads_nowhere_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(dotenv=".env") == load()
    (tmp_path / ".env").symlink_to(tmp_path / "secrets-not-mounted")
    (problem,) = problems(dotenv=".env")
    assert problem == ".env: expected a readable text file (No such file or directory)"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("  export LOG_LEVEL = DEBUG  # loud", "DEBUG"),
        ("LOG_LEVEL='DEBUG' # loud", "DEBUG"),
        ('KEY="-----BEGIN\nx=y\n-----END"\nLOG_LEVEL=DEBUG', "DEBUG"),
        ("# LOG_LEVEL=ERROR", "INFO"),
        ("LOG_LEVEL=DEBUG\r\nQUEUE_SIZE=1000", "DEBUG"),
        ("\ufeffLOG_LEVEL=DEBUG", "DEBUG"),
        ("LOUD=DEBUG\nLOG_LEVEL=${LOUD}", "DEBUG"),
    ],
)
def test_lines_are_read_as_a_shell_reads_them(tmp_path, line, level):
    path = tmp_path / "e.env"
    path.write_bytes(line.encode("utf-8"))
    assert load(dotenv=path).log_level == level
