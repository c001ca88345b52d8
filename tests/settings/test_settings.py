"""Settings: precedence, sources and names."""

from __future__ import annotations

import dataclasses

import pytest

from helpers.settings import load
from morosidad.errors import SettingsError
from morosidad.settings import Settings

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
