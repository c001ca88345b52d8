"""Sources of settings: mistakes, secrets, .env syntax and JSON."""

from __future__ import annotations

import pytest

from helpers.settings import load, problems


def test_every_mistake_of_every_source_comes_at_once(write):
    file = write("s.json", {"queue_size": -1, "kolor": "red", "LOG_LEVEL": "LOUD"})
    dotenv = write("e.env", "MAX_ALERTS=many\n\nCACHE_SIZE_L3=4\nMOROSIDAD_NADA=1\nbroken line")
    found = problems(
        file=file,
        dotenv=dotenv,
        env={"TIMEOUT_LOGGING": "soon", "MOROSIDAD_TYPO": "1", "PATH": "/bin"},
        que_size=3,
        cpu_limit_percent=180,
    )
    heads = [
        f"kolor ({file}): expected the name",
        f"queue_size ({file}): expected a whole number from 1 up",
        f"LOG_LEVEL ({file}): expected one of DEBUG, INFO",
        f"{dotenv}, line 5: expected NAME=value",
        f"CACHE_SIZE_L3 ({dotenv}, line 3): expected the name of a setting; did you mean CACHE_SIZE_L",
        f"MOROSIDAD_NADA ({dotenv}, line 4): expected the name",
        f"MAX_ALERTS ({dotenv}, line 1): expected a whole number",
        "MOROSIDAD_TYPO (environment): expected the name",
        "TIMEOUT_LOGGING (environment): expected a duration",
        "que_size (argument): expected the name of a setting; did you mean queue_size?",
        "cpu_limit_percent (argument): expected a percentage",
    ]
    assert len(found) == len(heads)
    for problem, head in zip(found, heads, strict=True):
        assert problem.startswith(head)


def test_a_bad_value_is_named_even_where_another_source_beats_it(write):
    (problem,) = problems(file=write("s.json", {"queue_size": "x"}), queue_size=5)
    assert problem.startswith("queue_size (")


def test_no_message_holds_a_value():
    text = str(problems(env={"AUDIT_KEY": "hunter2", "QUEUE_SIZE": "hunter2", "LOG_LEVEL": "hunter2"}))
    assert "hunter2" not in text


def test_the_secret_stays_out_of_the_text_of_settings():
    assert "sixteen-letters-" not in repr(load(audit_key="sixteen-letters-or-more"))


def test_a_setting_given_twice_with_two_values_is_refused(write):
    (problem,) = problems(env={"MAX_WORKERS": "2", "MAX_WORKERS_PREDICCION": "3"})
    assert "MAX_WORKERS sets max_workers_prediction too" in problem
    (problem,) = problems(file=write("s.json", '{"queue_size": 1, "QUEUE_SIZE": 2}'))
    assert "queue_size sets queue_size too" in problem
    assert load(env={"MAX_WORKERS": "2", "MAX_WORKERS_PREDICCION": "2"}).max_workers_prediction == 2


def test_a_hash_inside_a_dotenv_value_belongs_to_it(write):
    assert load(dotenv=write("e.env", "AUDIT_KEY=abc#defghijklmnopq")).audit_key == "abc#defghijklmnopq"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "valid JSON (line 1)"),
        ('{\n"a": }', "valid JSON (line 2)"),
        ("[" * 100_000, "valid JSON"),
        ("9" * 5000, "valid JSON"),
        ("[]", "one JSON object"),
        ("3", "one JSON object"),
    ],
)
def test_a_broken_json_file_is_told(write, content, expected):
    (problem,) = problems(file=write("s.json", content))
    assert problem.endswith(f"s.json: expected {expected}")


def test_a_file_that_can_not_be_read_is_told(tmp_path):
    (tmp_path / "latin").write_bytes(b"LOG_LEVEL=\xe9")
    reasons = {
        tmp_path / "absent": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / "latin": "not UTF-8",
        "a\0b": "not a path",
    }
    for path, reason in reasons.items():
        assert problems(file=path) == problems(dotenv=path)
        assert problems(file=path)[0].endswith(f"expected a readable text file ({reason})")
