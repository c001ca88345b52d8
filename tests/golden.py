"""What saved model files answer, to the last bit: asked here, and in a process without numba.

``python tests/golden.py make`` saves the models that are not there yet, ``record`` keeps what all
files answer, and ``answer WALKER`` prints it, the trees walked by ``numba`` or by ``python`` alone.
``write FOLDER`` saves all that can be made with the libraries that are there, to be asked by those of
other versions: ``answer WALKER FOLDER``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golden_models import DENSE, FIELDS, MODELS, WITH_PANDAS_CATEGORIES, category_dtypes

__all__ = ["DENSE", "FOLDER", "N_RECORDS", "answer", "files", "records"]

FOLDER = Path(__file__).parent / "data" / "golden"
N_RECORDS = 200


def records() -> list[dict[str, Any]]:
    """Give the applicants that all files are asked about."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "records.json").read_text(encoding="utf-8"))
    return found


def files(folder: Path = FOLDER) -> list[Path]:
    """Give the model files: these, and the one that the package ships."""
    from morosidad.training.shipped import PATH

    return [*sorted(folder.glob("*.morosidad")), PATH]


def answer(path: Path, asked: list[dict[str, Any]]) -> list[Any]:
    """Ask a file about records: probability, contributions and reasons of each."""
    from morosidad import Policy, Scorer

    scorer = Scorer.load(path, policy=Policy(max_reasons=20))
    return list(_answers(scorer, asked))


def _answers(scorer: Any, asked: list[dict[str, Any]]) -> Iterator[Any]:
    explain = scorer._model.compiled.explain_one
    for applicant in asked:
        record = {name: applicant[name] for name in scorer.schema.names}
        decision = scorer.score_one(record)
        values, _ = scorer.schema.read(record)
        probability, contributions = explain(values)
        assert probability == decision.probability
        reasons = [[reason.code, reason.text] for reason in decision.reasons]
        yield [probability.hex(), [share.hex() for share in contributions], reasons]


def main(command: str, *names: str) -> None:
    """Make files, or print what they answer."""
    if command == "record":
        for walker in ("numba", "python"):
            done = subprocess.run(
                [sys.executable, __file__, "answer", walker], capture_output=True, check=True
            )
            (FOLDER / f"answers-{walker}.json.gz").write_bytes(gzip.compress(done.stdout, mtime=0))
    elif command == "answer":
        walker, *folder = names
        if walker == "python":
            sys.modules["numba"] = None  # type: ignore[assignment]
        print(json.dumps({path.stem: answer(path, records()) for path in files(*map(Path, folder))}))
    elif command == "write":
        for name in MODELS:
            with contextlib.suppress(ImportError):
                _make((name,), *map(Path, names))
    else:
        _make(names)


# -- how the files were made ---------------------------------------------------------------------


def _make(names: tuple[str, ...], folder: Path = FOLDER) -> None:
    from morosidad import AHORRO_VALLE, Scorer, make_applicants
    from morosidad.schema.schema import Schema

    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    frame = make_applicants(1500, seed=7)
    X, y = frame[FIELDS], frame["moroso_12m"].to_numpy()
    schema = Schema([field for field in AHORRO_VALLE.fields if field.name in FIELDS])
    if not (FOLDER / "records.json").exists():
        rows = make_applicants(N_RECORDS, seed=8)[list(AHORRO_VALLE.names)].astype(object)
        rows = rows.where(rows.notna(), None).to_dict("records")
        (FOLDER / "records.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0), encoding="utf-8")
    for name, make in MODELS.items():
        path = folder / f"{name}.morosidad"
        if path.exists() or (names and name not in names):
            continue
        estimator = make()
        data = X.astype(category_dtypes(X)) if name in WITH_PANDAS_CATEGORIES else X
        estimator.fit(data, y)
        scorer = Scorer(estimator, schema=schema, reference=data, name=f"golden-{name}", version="1")
        assert scorer.plan.compiled, (name, scorer.plan.notes)
        scorer.save(path)
        print(name, scorer.plan.form, path.stat().st_size)


if __name__ == "__main__":
    main(*sys.argv[1:])
