"""The settings of the system, with the source of each value.

Every setting is declared once, in `Settings`: its default, what it accepts, and the further
names by which the environment, a ``.env`` file or a JSON file may call it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from morosidad.languages import LANGUAGES
from morosidad.languages.catalogue import DEFAULT
from morosidad.resources import hardware_limits
from morosidad.settings.hardware_tuning import Hardware, tune
from morosidad.settings.setting_types import (
    ANCHOR,
    REDIS_ADDRESS,
    SettingType,
    api_key,
    choice,
    days,
    flag,
    listed,
    network,
    or_none,
    origin,
    percent,
    seconds,
    secret,
    size,
    text,
    type_name,
    whole,
    zone,
)
from morosidad.settings.sources import DOTENV, SETTINGS_FILE, SourceReader

SettingSource = Literal["argument", "environment", ".env", "file", "hardware", "default"]


def _setting(default: Any, setting_type: SettingType, *names: str, live: bool = False) -> Any:
    """Declare a setting; what is `live` may change while a server runs."""
    metadata = {"setting_type": setting_type, "names": names, "live": live}
    return dataclasses.field(default=default, repr=not setting_type.secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the system; immutable.

    ``Settings()`` holds the defaults and what it is given. `Settings.load` also reads the JSON
    file, the ``.env`` file, the environment and the hardware.

    Attributes
    ----------
    language : str
        Language of all that people read: es, en or pt. In the environment and in ``.env`` only as
        MOROSIDAD_LANGUAGE, since LANGUAGE is gettext's.
    cache_enabled : bool
        Whether decisions are cached.
    cache_l1_size, cache_l2_size : int
        Entries in the first and the second tier.
    cache_ttl_seconds : float
        Life of an entry, in seconds.
    cache_storage : str or None
        The second tier: None for the process's own memory, or the address of a Redis that servers share, as
        ``redis://host:6379/0``.
    cache_key : str or None
        Secret of those who share it; with one, entries that were not made with it count as absent.
    max_workers_prediction, max_workers_io : int
        Threads for predictions that can't answer at once, and for input and output.
    queue_size : int
        Requests that may wait for a worker.
    timeout_prediction, timeout_logging : float
        Time allowed for a prediction, and for a durable decision log to write, in seconds.
    timeout_validation : float
        Taken, so that files which have it are read, and without effect: a validation takes microseconds, and
        the limit on the size of a body keeps it so.
    metrics_enabled : bool
        Whether live metrics are kept, streamed and watched for alerts; else they are taken when asked for.
    metrics_interval : float
        Seconds between two samples of the live metrics.
    metrics_history, max_alerts : int
        Samples and alerts that are kept.
    alert_latency : float
        Mean latency, in seconds, above which an alert opens.
    alert_cache_hit_percent : float
        Cache hit rate, in percent, below which an alert opens.
    memory_limit_percent, cpu_limit_percent : float
        Use, in percent, above which load is shed and an alert opens.
    cleanup_interval : float
        Seconds between two clean-ups of the caches.
    log_level : str
        DEBUG, INFO, WARNING, ERROR or CRITICAL.
    log_format : str
        How the server writes its log: text, or json with one object a line.
    log_buffer_size : int
        Lines after which the decision log is written.
    log_flush_interval : float
        Seconds after which it is written in any case.
    log_rotation : bool
        Whether the decision log goes on in a new file when one is full.
    log_rotation_size : int
        Size of a full file, in bytes.
    audit_values : str
        What the decision log keeps of an applicant's values: full, hash or none.
    audit_key : str or None
        Secret that keys the decision log's chain and its hashes of values.
    audit_durable : bool
        Whether a decision waits for its line to be on the disk, `timeout_logging` at most.
    audit_on_full : str
        What happens to a decision when the decision log's queue is full: wait, error or drop.
    audit_keep_files : int or None
        How many full files of the decision log are kept; None for all.
    audit_keep_days : float or None
        For how many days they are kept after their last line; None for ever.
    audit_compress : str or None
        How full files are compressed: gz, zst, or None for not at all.
    audit_erasure : bool
        Whether values are encrypted in the decision log, each with a key that can be destroyed.
    audit_anchor : str or None
        Where the digest of the decision log's last line is sent: a file, or an address of syslog or HTTP.
    audit_anchor_interval : float
        Seconds between two such lines.
    websocket_enabled : bool
        Whether live metrics are sent over WebSocket.
    rate_limit_enabled : bool
        Whether a client's requests are limited.
    rate_limit_per_minute : int
        Requests a minute that a client may send.
    rate_limit_storage : str or None
        Where the requests of clients are counted: None for the process's own memory, or the address of a
        Redis that all processes share, as ``redis://host:6379/0``.
    audit_file : str or None
        The server's decision log; None, or ``none`` in the environment, for none.
    kpi_zone : str or None
        Time zone whose midnight begins a day, such as America/Guayaquil; None for the machine's.
    kpi_file : str or None
        File through which server processes share their figures; None for each its own.
    kpi_sharing : str or None
        The address of a Redis over which servers on several machines share their figures and follow each
        other's reloads, as ``redis://host:6379/0``; None for each server its own.
    server_model : str or None
        The model file to serve; None for the shipped one.
    server_policy : str or None
        The file of the policy to decide by; None for the one in the model file.
    server_model_key : str or None
        Key that the model file was signed with.
    server_model_trusted : tuple of str
        Types to allow in a model that could not be compiled.
    server_model_allow_pickle : bool
        Whether a model may be served that is a pickle in a file signed with that key.
    server_host, server_port : str, int
        Where the server listens.
    server_processes : int
        Processes that share the port.
    server_api_keys : tuple of str
        Who may ask for what, one ``name:scopes:digest`` each, as ``morosidad key`` prints it.
    server_anonymous : bool
        Whether a server without keys also answers other machines.
    server_origins : tuple of str
        Further web origins whose pages may use the server, as ``https://www.example.org``.
    server_proxies : tuple of str
        Addresses or networks of the proxies whose ``X-Forwarded-For`` counts.
    server_body_size : int
        Most bytes in the body of a request.
    server_batch_size : int
        Most records in a batch.
    server_read_timeout : float
        Seconds in which a request must have arrived.
    server_shutdown_grace : float
        Seconds between the signal to stop and the end of listening, in which new work is refused by name.
    server_access_log : bool
        Whether each request is logged: time, address, method, path, status and duration.
    server_connections : int
        Most open connections of a process; fewer where the system allows fewer file handles.
    server_connections_per_client : int
        Most open connections of one address, and most WebSockets of one key.
    websocket_clients : int
        Most WebSocket clients of a process.

    Raises
    ------
    SettingsError
        A value is not what its setting accepts; names every such value.
    """

    language: Literal["es", "en", "pt"] = _setting(DEFAULT, choice(*LANGUAGES))
    cache_enabled: bool = _setting(True, flag(), "ENABLE_CACHE")
    cache_l1_size: int = _setting(100, whole(1), "CACHE_SIZE_L1")
    cache_l2_size: int = _setting(500, whole(0), "CACHE_SIZE_L2")
    cache_ttl_seconds: float = _setting(300.0, seconds())
    cache_storage: str | None = _setting(None, secret(8, REDIS_ADDRESS))
    cache_key: str | None = _setting(None, secret(16))
    max_workers_prediction: int = _setting(4, whole(1), "MAX_WORKERS", "MAX_WORKERS_PREDICCION")
    max_workers_io: int = _setting(2, whole(1))
    queue_size: int = _setting(1000, whole(1))
    timeout_prediction: float = _setting(5.0, seconds(), "TIMEOUT_PREDICCION")
    timeout_validation: float = _setting(1.0, seconds(), "TIMEOUT_VALIDACION")
    timeout_logging: float = _setting(0.5, seconds())
    metrics_enabled: bool = _setting(True, flag(), "ENABLE_METRICS")
    metrics_interval: float = _setting(1.0, seconds(), "INTERVALO_METRICAS")
    metrics_history: int = _setting(1000, whole(1), "HISTORIA_METRICAS")
    max_alerts: int = _setting(50, whole(1), "MAX_ALERTAS")
    alert_latency: float = _setting(3.0, seconds())
    alert_cache_hit_percent: float = _setting(30.0, percent())
    memory_limit_percent: float = _setting(85.0, percent(), "LIMITE_MEMORIA_PERCENT")
    cpu_limit_percent: float = _setting(80.0, percent(), "LIMITE_CPU_PERCENT")
    cleanup_interval: float = _setting(300.0, seconds(), "INTERVALO_LIMPIEZA")
    log_level: str = _setting("INFO", choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), live=True)
    log_format: Literal["text", "json"] = _setting("text", choice("text", "json"))
    log_buffer_size: int = _setting(100, whole(1))
    log_flush_interval: float = _setting(10.0, seconds())
    log_rotation: bool = _setting(True, flag())
    log_rotation_size: int = _setting(10 * 2**20, size(), "LOG_SIZE_LIMIT")
    audit_values: Literal["full", "hash", "none"] = _setting("full", choice("full", "hash", "none"))
    audit_key: str | None = _setting(None, secret(16))
    audit_durable: bool = _setting(False, flag())
    audit_on_full: Literal["wait", "error", "drop"] = _setting("wait", choice("wait", "error", "drop"))
    audit_keep_files: int | None = _setting(None, or_none(whole(0)))
    audit_keep_days: float | None = _setting(None, or_none(days()))
    audit_compress: Literal["gz", "zst"] | None = _setting(None, or_none(choice("gz", "zst")))
    audit_erasure: bool = _setting(False, flag())
    audit_anchor: str | None = _setting(None, secret(1, ANCHOR))
    audit_anchor_interval: float = _setting(60.0, seconds())
    websocket_enabled: bool = _setting(True, flag())
    rate_limit_enabled: bool = _setting(True, flag(), live=True)
    rate_limit_per_minute: int = _setting(60, whole(1), live=True)
    rate_limit_storage: str | None = _setting(None, secret(8, REDIS_ADDRESS))
    audit_file: str | None = _setting("decisiones.jsonl", text(off="none"))
    kpi_zone: str | None = _setting(None, zone())
    kpi_file: str | None = _setting(None, text())
    kpi_sharing: str | None = _setting(None, secret(8, REDIS_ADDRESS))
    server_model: str | None = _setting(None, text())
    server_policy: str | None = _setting(None, text())
    server_model_key: str | None = _setting(None, secret(16))
    server_model_trusted: tuple[str, ...] = _setting((), listed("types as package.module.Name", type_name))
    server_model_allow_pickle: bool = _setting(False, flag())
    server_host: str = _setting("127.0.0.1", text(none=False))
    server_port: int = _setting(5000, whole(0, 65535))
    server_processes: int = _setting(1, whole(1))
    server_api_keys: tuple[str, ...] = _setting((), listed("keys as name:scopes:digest", api_key), live=True)
    server_anonymous: bool = _setting(False, flag(), live=True)
    server_origins: tuple[str, ...] = _setting((), listed("origins as https://www.example.org", origin))
    server_proxies: tuple[str, ...] = _setting((), listed("addresses or networks", network), live=True)
    server_body_size: int = _setting(2**20, size(), live=True)
    server_batch_size: int = _setting(1000, whole(1), live=True)
    server_read_timeout: float = _setting(10.0, seconds(), live=True)
    server_shutdown_grace: float = _setting(1.0, seconds(), live=True)
    server_access_log: bool = _setting(False, flag(), live=True)
    server_connections: int = _setting(4096, whole(1), live=True)
    server_connections_per_client: int = _setting(1024, whole(1), live=True)
    websocket_clients: int = _setting(2000, whole(1), live=True)
    _sources: dict[str, SettingSource] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        reader = SourceReader(_TYPES, _NAMES)
        for name, field in _FIELDS.items():
            value = reader.read(name, getattr(self, name), "argument")
            object.__setattr__(self, name, value)
            self._sources[name] = "default" if value == field.default else "argument"
        reader.finish()

    def sources(self) -> dict[str, SettingSource]:
        """Return where each value came from.

        Returns
        -------
        dict
            For each setting one of ``argument``, ``environment``, ``.env``, ``file`` (JSON),
            ``hardware`` and ``default``.
        """
        return dict(self._sources)

    def shown(self, name: str) -> Any:
        """Give a value as it may be shown: no secret, and no digest of a key.

        Parameters
        ----------
        name : str
            The setting.

        Returns
        -------
        object
        """
        value = getattr(self, name)
        if name == "server_api_keys":
            return tuple(line.rpartition(":")[0] for line in value)
        return "***" if value is not None and _TYPES[name].secret else value

    def taking(self, newer: Settings) -> Settings:
        """Give the same settings with the newer values of those that may change while a server runs.

        Parameters
        ----------
        newer : Settings
            Where those are taken from, with their sources.

        Returns
        -------
        Settings
        """
        taken = dataclasses.replace(self, **{name: getattr(newer, name) for name in LIVE})
        taken._sources.update(self._sources)
        for name in LIVE:
            taken._sources[name] = newer._sources[name]
        return taken

    @classmethod
    def load(
        cls,
        file: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] = os.environ,
        *,
        dotenv: str | os.PathLike[str] | None = DOTENV,
        hardware: Callable[[], Hardware] | None = None,
        **arguments: Any,
    ) -> Settings:
        """Read every source: argument > environment > ``.env`` > file > hardware > default.

        Names are read in either case; ``MOROSIDAD_QUEUE_SIZE`` comes before ``QUEUE_SIZE``. The
        environment and ``.env`` are shared with other programs, so names that are not
        morosidad's are passed over there, except unknown ``MOROSIDAD_`` names and, in ``.env``,
        names that are nearly one of its own. An empty value there is an unset one, and what
        platforms set for the discovery of services (``MOROSIDAD_SERVER_PORT=tcp://…``) is passed over.

        Parameters
        ----------
        file : path, optional
            A JSON file with one object; ``MOROSIDAD_SETTINGS_FILE`` in `env` names it otherwise.
        env : mapping, optional
            The environment.
        dotenv : path, optional
            The ``.env`` file, read by python-dotenv. The default one may be absent; None reads none.
        hardware : callable, optional
            Gives what the process may use. By default `morosidad.resources.hardware_limits`, which
            knows the limits of containers.
        **arguments : optional
            Settings by name.

        Returns
        -------
        Settings

        Raises
        ------
        SettingsError
            Unknown names and bad values from all sources together: the name, the source, what
            was expected. It never holds a value.
        """
        reader = SourceReader(_TYPES, _NAMES)
        layers: list[tuple[SettingSource, dict[str, Any]]] = [
            ("hardware", tune((hardware or hardware_limits)())),
            ("file", reader.json(file or env.get(SETTINGS_FILE) or None)),
            (".env", reader.dotenv(dotenv, env)),
            ("environment", reader.environment(env)),
            ("argument", reader.arguments(arguments)),
        ]
        reader.finish()
        values: dict[str, Any] = {}
        sources: dict[str, SettingSource] = dict.fromkeys(_FIELDS, "default")
        for source, layer in layers:
            values |= layer
            sources |= dict.fromkeys(layer, source)
        settings = cls(**values)
        settings._sources.update(sources)
        return settings


_FIELDS = {field.name: field for field in dataclasses.fields(Settings) if field.init}
_TYPES: dict[str, SettingType] = {name: field.metadata["setting_type"] for name, field in _FIELDS.items()}
LIVE: tuple[str, ...] = tuple(name for name, field in _FIELDS.items() if field.metadata["live"])
"""The settings that may change while a server runs."""
_NAMES = {
    alias.upper(): name for name, field in _FIELDS.items() for alias in (name, *field.metadata["names"])
}
