"""Coverage-guided fuzzing of everything that reads bytes from outside; `test_fuzz` runs it for seconds.

By hand: ``python tests/reliability/fuzz.py schema -max_total_time=600``. What follows the target goes to
libFuzzer, a folder for its corpus too. A target ends with an error when an exception comes out that is
not documented, when an answer contradicts itself, or when one input takes too long or too much memory.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found, unused-ignore]

with atheris.instrument_imports(include=["morosidad"]):
    import morosidad.audit.chain.hashing as chain
    import morosidad.audit.chain.paths as paths
    from morosidad import AHORRO_VALLE, Field, Schema, Scorer, Settings, audit
    from morosidad.errors import ArtifactError, InvalidRecord, PredictionError, SettingsError
    from morosidad.model_file import artifact

import msgspec
import numpy as np

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
SECRET = "SECRETO-7f3a91"
EVERY_KIND = Schema(
    [
        Field("entero", "integer", ge=-5, lt=2**60, required=True),
        Field("numero", "number", gt=0, le=1e6, aliases={"miles": 1000, "otro": 1}),
        Field("zona", "category", categories=["urbana", "rural", "ñandú"]),
        Field("nivel", "category", categories=[1, 2, 3]),
        Field("libre", "category"),
        Field("dueño", "boolean"),
    ]
)


def value(data: Any, depth: int = 0) -> Any:
    """Make any value that a caller might put into a record."""
    kinds: list[Callable[[], Any]] = [
        lambda: data.ConsumeIntInRange(-5, 100),
        lambda: data.ConsumeInt(16),
        lambda: 10 ** data.ConsumeIntInRange(0, 400),
        lambda: data.ConsumeFloat(),
        lambda: data.PickValueInList([None, True, False, SECRET, "urbana", "3", "", float("nan"), 2**53 + 1]),
        lambda: data.ConsumeUnicode(12),
        lambda: data.ConsumeBytes(4),
        lambda: Decimal(data.ConsumeIntInRange(-999, 999)).scaleb(data.ConsumeIntInRange(-400, 400)),
        lambda: np.float32(data.ConsumeFloatInRange(-1e6, 1e6)),
        lambda: [value(data, depth + 1)] if depth < 4 else [],
        lambda: {data.ConsumeUnicode(4): value(data, depth + 1)} if depth < 4 else {},
    ]
    made: Any = kinds[data.ConsumeIntInRange(0, len(kinds) - 1)]()
    return made


def outcome(schema: Schema, record: Any) -> Any:
    """Give what a schema reads, or the fields that it finds wrong."""
    try:
        return schema.read(record)[0]
    except InvalidRecord as error:
        refused = error
    assert refused.errors
    assert SECRET not in str(refused), "a message holds a value"
    return sorted({wrong.field for wrong in refused.errors})


def schema_target(raw: bytes) -> None:
    """Read records, as JSON and as mappings."""
    data = atheris.FuzzedDataProvider(raw)
    schema = AHORRO_VALLE if data.ConsumeBool() else EVERY_KIND
    if data.ConsumeBool():
        text = data.ConsumeBytes(atheris.ALL_REMAINING)
        found = outcome(schema, text)
        try:
            record = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            assert isinstance(found, list)
            return
        if isinstance(record, dict):
            assert found == outcome(schema, record), "JSON and mapping disagree"
    else:
        names = list(schema._given.known)
        record = {}
        for _ in range(data.ConsumeIntInRange(0, len(names) + 2)):
            name = data.PickValueInList(names) if data.ConsumeProbability() < 0.9 else data.ConsumeUnicode(9)
            record[name] = value(data)
        found = outcome(schema, record)
    if isinstance(found, tuple):
        named = schema.validate(record)
        assert list(named) == list(schema.names)
        again = {name: given for name, given in named.items() if given is not None}
        assert schema.validate(again) == named, "what was read is not read again as it is"


def nodes(tree: Any) -> list[tuple[Any, Any]]:
    """List the places of a tree of plain data: container and key."""
    found: list[tuple[Any, Any]] = []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else []
    for key in keys:
        found += [(tree, key), *nodes(tree[key])]
    return found


def altered(content: artifact.Content, data: Any) -> artifact.Content:
    """Change a few places of a model's manifest and arrays."""
    manifest = msgspec.json.decode(msgspec.json.encode(content.manifest))
    arrays = [array.copy() for array in content.arrays]
    if data.ConsumeBool():
        manifest.pop("check")  # else few of the changes get further
    for _ in range(data.ConsumeIntInRange(1, 4)):
        places = nodes(manifest)
        holder, key = places[data.ConsumeIntInRange(0, len(places) - 1)]
        what = data.ConsumeIntInRange(0, 4)
        if what == 0:
            holder.pop(key)
        elif what == 1:
            other, name = places[data.ConsumeIntInRange(0, len(places) - 1)]
            holder[key] = msgspec.json.decode(msgspec.json.encode(other[name]))
        elif what == 2 or not arrays:
            holder[key] = plain(data)
        else:
            place = data.ConsumeIntInRange(0, len(arrays) - 1)
            flat = arrays[place].reshape(-1).copy()
            if flat.size:
                at = data.ConsumeIntInRange(0, flat.size - 1)
                raw = flat.view(np.uint8)
                raw[at * flat.itemsize + data.ConsumeIntInRange(0, flat.itemsize - 1)] = (
                    data.ConsumeInt(1) & 255
                )
            arrays[place] = flat.reshape(arrays[place].shape) if what == 3 else flat[: flat.size // 2]
    return artifact.Content(manifest, arrays, content.members)


def plain(data: Any) -> Any:
    """Make a value that JSON can hold."""
    made = value(data)
    try:
        return msgspec.json.decode(msgspec.json.encode(made))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, UnicodeError):
        return None


def small_models() -> list[artifact.Content]:
    """Give the content of a few small models: a sum, trees, tables."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    from morosidad.training.shipped import PATH
    from support import small_frame, small_pipeline

    X, y = small_frame(60)
    linear = small_pipeline(X, y)
    forest = make_pipeline(linear[0], RandomForestClassifier(3, max_depth=3, random_state=0)).fit(X, y)
    for place, pipeline in enumerate((linear, forest)):
        Scorer(pipeline, reference=X).save(FOLDER / f"base-{place}")
    return [artifact.load(path) for path in (PATH, FOLDER / "base-0", FOLDER / "base-1")]


def artifact_target(models: list[artifact.Content]) -> Callable[[bytes], None]:
    """Read model files: bytes of any kind, and sound files whose content is wrong."""
    path = FOLDER / "model"

    def one(raw: bytes) -> None:
        data = atheris.FuzzedDataProvider(raw)
        key = b"k" * 16 if data.ConsumeProbability() < 0.1 else None
        if data.ConsumeProbability() < 0.3:
            path.write_bytes(data.ConsumeBytes(atheris.ALL_REMAINING))
        else:
            try:
                artifact.save(path, altered(data.PickValueInList(models), data))
            except (msgspec.MsgspecError, UnicodeError, ArtifactError):
                return  # JSON can't hold it, or a name is none
        try:
            scorer = Scorer.load(path, key)
        except ArtifactError:
            return
        record = {field.name: None for field in scorer.schema.fields}
        try:
            answer = scorer.score_one(record)
        except (InvalidRecord, PredictionError):
            return
        assert 0 <= answer.probability <= 1

    return one


def audit_target(raw: bytes) -> None:
    """Read, verify and replay logs whose lines were altered, sealed anew, moved, cut."""
    data = atheris.FuzzedDataProvider(raw)
    path = FOLDER / "decisiones.jsonl"
    head = paths.head_path(path)
    head.unlink(missing_ok=True)
    last, written = chain.ChainPosition("0123456789ab", 0, chain.GENESIS), []
    for _ in range(data.ConsumeIntInRange(0, 6)):
        body = data.PickValueInList([DECISION, EVENT])
        if data.ConsumeBool():
            place = data.ConsumeIntInRange(0, len(body))
            body = body[:place] + data.ConsumeBytes(6) + body[place + data.ConsumeIntInRange(0, 9) :]
        if data.ConsumeProbability() < 0.2:
            last = last._replace(number=data.ConsumeIntInRange(0, 10**18 - 2))
        line, last = chain.append_to_chain(last, body, None)
        written.append(line)
    if written and data.ConsumeBool():
        written.append(written.pop(data.ConsumeIntInRange(0, len(written) - 1)))
    path.write_bytes(b"".join(written) + data.ConsumeBytes(atheris.ALL_REMAINING))
    if len(raw) % 2:
        head.write_bytes(raw[:100] if len(raw) % 3 else paths.pack_head(last))
    report = audit.verify(path)
    assert report.ok == (report.problem_count == 0)
    decisions = list(audit.read(path))
    replayed = audit.replay(path, lambda values: 0.25)
    counts = replayed.replayed + replayed.without_values + replayed.degraded
    assert counts == len(decisions)
    str(report), str(replayed)


def settings_target(raw: bytes) -> None:
    """Load settings from a JSON file, a ``.env`` file and an environment."""
    data = atheris.FuzzedDataProvider(raw)
    file, dotenv = FOLDER / "ajustes.json", FOLDER / ".env"
    names = ["QUEUE_SIZE", "morosidad_audit_key", "LOG_SIZE_LIMIT", "cache_ttl_seconds", "MOROSIDAD_X", ""]
    values = [SECRET, "10MB", "5min", "80%", "sí", "1", "", "-1", "nan", "1e999", "0x10", "９"]

    def pair() -> tuple[str, str]:
        name = data.PickValueInList(names) if data.ConsumeBool() else data.ConsumeUnicode(20)
        return name, data.PickValueInList(values) if data.ConsumeBool() else data.ConsumeUnicode(12)

    environment = dict(pair() for _ in range(data.ConsumeIntInRange(0, 3)))
    if data.ConsumeBool():
        given = {data.PickValueInList(names): plain(data) for _ in range(data.ConsumeIntInRange(0, 3))}
        file.write_bytes(msgspec.json.encode(given))
        dotenv.write_bytes(data.ConsumeBytes(atheris.ALL_REMAINING))
    else:
        dotenv.write_text("\n".join("=".join(pair()) for _ in range(2)), encoding="utf-8", errors="replace")
        file.write_bytes(data.ConsumeBytes(atheris.ALL_REMAINING))
    try:
        loaded = Settings.load(file, environment, dotenv=dotenv)
    except SettingsError as error:
        told = str(error)
    else:
        told = repr(loaded)
        assert loaded.queue_size >= 1
        assert loaded.sources().keys() >= {"queue_size", "audit_key"}
    assert SECRET not in told, "a message holds a value"


def logged_bodies() -> tuple[bytes, bytes]:
    """Give the body of a decision's line, and of an event's."""
    with audit.AuditLog(FOLDER / "base.jsonl", values="full") as log:
        Scorer.default(audit=log).score_one(
            {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
        )
    line = chain.parse_line((FOLDER / "base.jsonl").read_bytes(), None)
    assert line is not None
    return line.body, b'{"tipo":"evento","fecha":"2026-01-01T00:00:00Z","evento":"perdidas","cantidad":3}'


def seeds(target: str) -> list[bytes]:
    """Give inputs to begin with."""
    record = b'{"edad":41,"ingresos_mensuales":2400000.0,"monto_credito":6e6,"plazo_meses":36}'
    every = '{"entero":1,"numero":2.5,"zona":"ñandú","nivel":2,"libre":"x","dueño":true,"miles":3}'.encode()
    env = b'MOROSIDAD_QUEUE_SIZE="10" # x\nexport LOG_SIZE_LIMIT=10MB\n'
    found = {
        "schema": [b"\x01\x01" + record, b"\x00\x01" + every],
        "settings": [env + b"\x01\x00", b'{"queue_size": 5, "log_level": "info"}\x00\x00'],
    }
    return [*found.get(target, []), bytes(range(256)), b"\0" * 64, b"\xff" * 64]


if __name__ == "__main__":
    TARGET, *options = sys.argv[1:]
    for number, seed in enumerate(seeds(TARGET)):
        (FOLDER / "corpus").mkdir(exist_ok=True)
        (FOLDER / "corpus" / str(number)).write_bytes(seed)
    if TARGET == "audit":
        DECISION, EVENT = logged_bodies()
    run = artifact_target(small_models()) if TARGET == "artifact" else globals()[f"{TARGET}_target"]
    limits = ["-timeout=60", "-rss_limit_mb=2048", "-max_len=4096", "-len_control=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, *options, str(FOLDER / "corpus")], run)
    atheris.Fuzz()
