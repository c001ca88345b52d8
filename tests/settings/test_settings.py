"""Settings: precedence, names, kinds of value, and every mistake at once."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import morosidad.settings.settings as module
from morosidad.errors import SettingsError
from morosidad.settings import Settings, tune
from support import ROOT

GB = 2**30
DOCS = ROOT / "docs" / "reference" / "settings.md"

# The source document's .env file and its configuration class, word for word.
DOCUMENT_ENV = """\
# .env - Configuración de producción
# Configuración de Flask
FLASK_ENV=production
FLASK_DEBUG=False

# Configuración de Workers
MAX_WORKERS=4
QUEUE_SIZE=1000

# Configuración de Cache
ENABLE_CACHE=True
CACHE_SIZE_L1=100
CACHE_SIZE_L2=500

# Configuración de Logging
LOG_LEVEL=INFO
LOG_ROTATION=True
LOG_SIZE_LIMIT=10MB

# Configuración de Monitoreo
ENABLE_METRICS=True
METRICS_INTERVAL=1
WEBSOCKET_ENABLED=True

# Configuración de Seguridad
RATE_LIMIT_ENABLED=True
RATE_LIMIT_PER_MINUTE=60
"""
DOCUMENT_CLASS = {
    "CACHE_L1_SIZE": (100, "cache_l1_size"),
    "CACHE_L2_SIZE": (500, "cache_l2_size"),
    "CACHE_TTL_SECONDS": (300, "cache_ttl_seconds"),
    "MAX_WORKERS_PREDICCION": (4, "max_workers_prediction"),
    "MAX_WORKERS_IO": (2, "max_workers_io"),
    "QUEUE_SIZE": (1000, "queue_size"),
    "TIMEOUT_PREDICCION": (5.0, "timeout_prediction"),
    "TIMEOUT_VALIDACION": (1.0, "timeout_validation"),
    "TIMEOUT_LOGGING": (0.5, "timeout_logging"),
    "INTERVALO_METRICAS": (1.0, "metrics_interval"),
    "HISTORIA_METRICAS": (1000, "metrics_history"),
    "MAX_ALERTAS": (50, "max_alerts"),
    "LIMITE_MEMORIA_PERCENT": (85, "memory_limit_percent"),
    "LIMITE_CPU_PERCENT": (80, "cpu_limit_percent"),
    "INTERVALO_LIMPIEZA": (300, "cleanup_interval"),
    "LOG_BUFFER_SIZE": (100, "log_buffer_size"),
    "LOG_FLUSH_INTERVAL": (10, "log_flush_interval"),
    "LOG_ROTATION_SIZE": ("10MB", "log_rotation_size"),
}
# The column "environment" of the settings table.
ENVIRONMENT = """
ENABLE_CACHE CACHE_SIZE_L1 CACHE_SIZE_L2 CACHE_TTL_SECONDS MAX_WORKERS MAX_WORKERS_IO QUEUE_SIZE
TIMEOUT_PREDICCION TIMEOUT_VALIDACION TIMEOUT_LOGGING ENABLE_METRICS METRICS_INTERVAL METRICS_HISTORY
MAX_ALERTS MEMORY_LIMIT_PERCENT CPU_LIMIT_PERCENT CLEANUP_INTERVAL LOG_LEVEL LOG_BUFFER_SIZE
LOG_FLUSH_INTERVAL LOG_ROTATION LOG_SIZE_LIMIT WEBSOCKET_ENABLED RATE_LIMIT_ENABLED RATE_LIMIT_PER_MINUTE
""".split()  # noqa: SIM905


class Machine(NamedTuple):
    cpus: float
    memory: int


def two_cpus_five_gigabytes() -> Machine:
    return Machine(2, 5 * GB)


def load(file=None, env=None, **kwargs):
    kwargs.setdefault("dotenv", None)
    kwargs.setdefault("hardware", two_cpus_five_gigabytes)
    return Settings.load(file, env or {}, **kwargs)


def problems(**kwargs) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(**kwargs)
    return caught.value.problems


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_each_source_beats_the_ones_below_it(write):
    names = ["argument", "environment", ".env", "file", "hardware"]
    file = write("s.json", {"max_workers": 13, "queue_size": 13, "max_alerts": 13, "metrics_history": 13})
    dotenv = write("e.env", "QUEUE_SIZE=12\nMAX_ALERTS=12\nMETRICS_HISTORY=12")
    settings = load(file, {"MAX_ALERTS": "11", "METRICS_HISTORY": "11"}, dotenv=dotenv, metrics_history=10)
    assert (settings.metrics_history, settings.max_alerts) == (10, 11)
    assert (settings.queue_size, settings.max_workers_prediction, settings.cache_l1_size) == (12, 13, 100)
    fields = ["metrics_history", "max_alerts", "queue_size", "max_workers_prediction", "cache_l1_size"]
    assert [settings.sources()[field] for field in fields] == names
    assert settings.sources()["log_level"] == "default"


def test_sources_names_every_setting_and_is_a_copy():
    settings = load()
    fields = {f.name for f in dataclasses.fields(Settings) if f.init}
    assert settings.sources().keys() == fields
    settings.sources().clear()
    assert settings.sources().keys() == fields


def test_an_argument_that_equals_the_default_is_still_an_argument():
    assert load(queue_size=1000).sources()["queue_size"] == "argument"


def test_a_plain_settings_object_tells_arguments_from_defaults():
    settings = Settings(queue_size=7)
    assert settings.sources()["queue_size"] == "argument"
    assert settings.sources()["max_alerts"] == "default"


def test_a_plain_settings_object_refuses_what_load_refuses():
    with pytest.raises(SettingsError) as caught:
        Settings(queue_size=0, log_level="LOUD")
    assert [p.split(" ")[0] for p in caught.value.problems] == ["queue_size", "log_level"]


def test_settings_are_immutable_and_hashable():
    settings = load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.queue_size = 5  # type: ignore[misc]
    assert {settings: 1}[load()] == 1


def test_the_documents_dotenv_file_loads(write):
    settings = load(dotenv=write(".env", DOCUMENT_ENV))
    from_dotenv = {name for name, source in settings.sources().items() if source == ".env"}
    assert len(from_dotenv) == 13
    assert settings == load(max_workers_prediction=4)


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_documents_json_names_work_in_either_case(write, case):
    given_values = {case(name): value for name, (value, _) in DOCUMENT_CLASS.items()}
    settings = load(write("c.json", given_values))
    for value, name in DOCUMENT_CLASS.values():
        assert settings.sources()[name] == "file"
        assert getattr(settings, name) == (10 * 2**20 if value == "10MB" else value)


@pytest.mark.parametrize("name", [*ENVIRONMENT, *DOCUMENT_CLASS])
@pytest.mark.parametrize("spelt", ["{}", "MOROSIDAD_{}", "morosidad_{}"])
def test_every_name_of_the_document_works_in_the_environment_in_either_case(name, spelt):
    sample = "WARNING" if name == "LOG_LEVEL" else "off" if name.startswith("ENABLE") else "1"
    for given_name in {spelt.format(name), spelt.format(name).lower()}:
        sources = load(env={given_name: sample}).sources()
        assert list(sources.values()).count("environment") == 1


def test_the_prefixed_name_beats_the_plain_one():
    assert load(env={"QUEUE_SIZE": "5", "MOROSIDAD_QUEUE_SIZE": "6"}).queue_size == 6


def test_the_environment_may_name_the_json_file(write):
    file = write("s.json", {"queue_size": 5})
    assert load(env={"MOROSIDAD_SETTINGS_FILE": str(file)}).queue_size == 5
    assert load(write("t.json", {}), {"MOROSIDAD_SETTINGS_FILE": str(file)}).queue_size == 1000


def test_the_dotenv_file_of_the_working_directory_is_read_when_it_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Settings.load(env={}).queue_size == 1000
    (tmp_path / ".env").write_text("QUEUE_SIZE=5")
    assert Settings.load(env={}).queue_size == 5


def test_the_real_environment_is_read_when_load_is_called(monkeypatch):
    monkeypatch.setenv("MOROSIDAD_QUEUE_SIZE", "77")
    assert Settings.load(dotenv=None).queue_size == 77


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10MB", 10 * 2**20),
        ("512 kb", 2**19),
        ("1GB", GB),
        ("1.5KB", 1536),
        ("4096", 4096),
        ("7B", 7),
        (4096, 4096),
    ],
)
def test_sizes_are_read_with_their_unit(text, size):
    assert load(log_rotation_size=text).log_rotation_size == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5min", 300),
        ("5m", 300),
        ("1h", 3600),
        ("1d", 86400),
        ("2.5", 2.5),
        (3, 3.0),
    ],
)
def test_durations_are_read_with_their_unit(text, seconds):
    assert load(cache_ttl_seconds=text).cache_ttl_seconds == seconds


@pytest.mark.parametrize("text", ["85", "85%", 85, 85.0, " 85 % "])
def test_percentages_are_read_with_and_without_their_sign(text):
    assert load(cpu_limit_percent=text).cpu_limit_percent == 85.0


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "ON", "sí", True])
def test_flags_are_read_as_true(word):
    assert load(cache_enabled=word).cache_enabled is True


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "off", False])
def test_flags_are_read_as_false(word):
    assert load(cache_enabled=word).cache_enabled is False


def test_choices_are_read_in_either_case():
    settings = load(log_level="debug", audit_values="HASH")
    assert (settings.log_level, settings.audit_values) == ("DEBUG", "hash")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queue_size", value)
        for value in ["0", "-1", "1.5", "ten", "", "1_000", "٣", "9" * 30, 0, 1.0, True, None, [1], {"a": 1}]
    ]
    + [
        ("timeout_logging", value)
        for value in ["0", "-1", "1 week", "nan", "inf", "", False, float("nan"), 10**400, None, []]
    ]
    + [("log_rotation_size", value) for value in ["0", "10TB", "0.5", "1.0001KB", "MB", "9" * 400]]
    + [("cpu_limit_percent", value) for value in ["0", "101", "85%%", "", None]]
    + [("cache_enabled", value) for value in ["maybe", "", 1, 0, None, "2"]]
    + [("log_level", value) for value in ["LOUD", "", 10, None]]
    + [("audit_key", value) for value in ["short", "", 1234567890123456789]],
)
def test_a_value_that_does_not_fit_is_refused(name, value):
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} (argument): expected ")


def test_the_address_of_a_redis_is_asked_for_as_such():
    (problem,) = problems(rate_limit_storage="foo")
    assert problem == "rate_limit_storage (argument): expected the address of a Redis, as redis://host:6379/0"


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
        f"CACHE_SIZE_L3 ({dotenv}, line 3): expected the name of a setting; did you mean CACHE_SIZE_L",
        f"MOROSIDAD_NADA ({dotenv}, line 4): expected the name",
        f"{dotenv}, line 5: expected NAME=value",
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


def test_what_other_programs_put_into_the_environment_is_passed_over(write):
    kubernetes = {
        "MOROSIDAD_SERVICE_HOST": "10.0.0.1",
        "MOROSIDAD_SERVICE_PORT": "5000",
        "MOROSIDAD_SERVICE_PORT_HTTP": "5000",
        "MOROSIDAD_PORT": "tcp://10.0.0.1:5000",
        "MOROSIDAD_PORT_5000_TCP_ADDR": "10.0.0.1",
    }
    settings = load(env={**kubernetes, "CACHE_SIZE_L3": "1"}, dotenv=write("e.env", "DATABASE_URL=x"))
    assert settings == load()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("LOG_LEVEL=DEBUG", "DEBUG"),
        ("  export LOG_LEVEL = DEBUG  # loud", "DEBUG"),
        ("LOG_LEVEL='DEBUG' # loud", "DEBUG"),
        ('LOG_LEVEL="DEBUG"', "DEBUG"),
        ('KEY="-----BEGIN\nLOG_LEVEL=ERROR\n-----END"\nLOG_LEVEL=DEBUG', "DEBUG"),
        ("# LOG_LEVEL=ERROR", "INFO"),
        ("LOG_LEVEL=DEBUG\r\nQUEUE_SIZE=1000", "DEBUG"),
        ("\ufeffLOG_LEVEL=DEBUG", "DEBUG"),
    ],
)
def test_dotenv_lines_are_read_as_a_shell_reads_them(write, line, level):
    assert load(dotenv=write("e.env", line)).log_level == level


@pytest.mark.parametrize(
    "line", ["LOG_LEVEL=", "LOG_LEVEL='DEBUG", 'LOG_LEVEL="DEBUG" ERROR', "LOG_LEVEL=#DEBUG"]
)
def test_dotenv_lines_without_a_sound_value_are_refused(write, line):
    (problem,) = problems(dotenv=write("e.env", line))
    assert problem.startswith("LOG_LEVEL (")


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


@pytest.mark.parametrize(
    ("cpus", "memory", "tuned"),
    [
        (1, 2 * GB, (1, 50, 200)),
        (0.5, 4 * GB - 1, (1, 50, 200)),
        (2.5, 4 * GB, (3, 100, 500)),
        (8, 8 * GB - 1, (8, 100, 500)),
        (64, 8 * GB, (8, 200, 1000)),
    ],
)
def test_workers_and_caches_follow_the_hardware(cpus, memory, tuned):
    assert tuple(tune(Machine(cpus, memory)).values()) == tuned
    settings = load(hardware=lambda: Machine(cpus, memory))
    assert (settings.max_workers_prediction, settings.cache_l1_size, settings.cache_l2_size) == tuned


def test_without_limits_given_those_of_the_container_count(monkeypatch):
    monkeypatch.setattr("morosidad.settings.settings.hardware_limits", lambda: Machine(5.5, 3 * GB))
    settings = Settings.load(env={}, dotenv=None)
    assert (settings.max_workers_prediction, settings.cache_l1_size) == (6, 50)


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
)
setting_names = st.sampled_from(sorted(module._NAMES))


@given(st.dictionaries(setting_names | st.text(), values, max_size=4))
def test_any_json_gives_settings_or_a_settings_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "s.json"
    path.write_text(json.dumps(content))
    with contextlib.suppress(SettingsError):
        assert load(path).sources()


@given(st.text() | st.lists(st.tuples(setting_names, st.text())).map(lambda p: "\n".join(map("=".join, p))))
def test_any_dotenv_text_gives_settings_or_a_settings_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("dotenv") / "e.env"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(SettingsError):
        assert load(dotenv=path).sources()


@given(st.integers(1, 10**12), st.sampled_from(["", "KB", "MB", "GB"]))
def test_a_size_is_its_number_times_its_unit(number, unit):
    factor = 1024 ** ["", "KB", "MB", "GB"].index(unit)
    if number * factor < 2**53:
        assert load(log_rotation_size=f"{number}{unit}").log_rotation_size == number * factor


def test_the_page_names_every_setting_its_default_and_its_names():
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", DOCS.read_text(encoding="utf-8"), re.M))
    for field in dataclasses.fields(Settings):
        if field.init:
            for name in field.metadata["names"]:
                assert f"`{name}`" in rows[field.name]
            plain = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            words = {"True": "true", "False": "false", "None": "–", "()": "–"}
            sizes = {str(10 * 2**20): "10MB", str(2**20): "1MB"}
            shown = (words | sizes).get(plain, plain)
            assert rows[field.name].startswith(f" {shown} |")
    assert rows.keys() == module._TYPES.keys()
