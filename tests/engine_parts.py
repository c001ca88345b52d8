"""What the tests of engines share: applicants, and answers compared to the last bit."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pandas as pd
import psutil

from morosidad import AHORRO_VALLE, Scorer, make_applicants
from morosidad.engines import BatchReport
from morosidad.engines.carried import _loaded
from morosidad.engines.partitions import score_partition
from support import LONG


def applicants(number: int, seed: int = 0) -> pd.DataFrame:
    """Make applicants with ids, of which the schema refuses some, and one has the id of another."""
    frame = make_applicants(number, seed=seed)[list(AHORRO_VALLE.names)]
    frame.insert(0, "solicitud", [f"s-{place}" for place in range(number)])
    frame.loc[frame.index[3::97], "edad"] = 3
    frame.loc[frame.index[5], "solicitud"] = "s-4"
    return frame


def plain(column: Any) -> list[Any]:
    """Give the cells of a column as plain values: None where missing, lists for tuples, texts of reasons."""
    return [_plain(cell) for cell in (column.tolist() if hasattr(column, "tolist") else column)]


def _plain(cell: Any) -> Any:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, tuple | list | np.ndarray):
        return [one["text"] if isinstance(one, dict) else one for one in cell]
    return cell


def assert_same_answers(found: Any, expected: pd.DataFrame) -> None:
    """Compare with what `Scorer.score_frame` gives, every column to the last bit; `error` says the rest."""
    for name in expected.columns:
        assert plain(found[name]) == plain(expected[name]), name
    refused = [text is not None for text in plain(found["error"])]
    assert refused == expected["outcome"].isna().tolist()


def assert_reasons_of_one(found: Any, frame: pd.DataFrame, scorer: Scorer) -> None:
    """Compare the structs of some rows with the reasons of `score_one`."""
    for place in range(0, len(frame), max(1, len(frame) // 20)):
        cell = found["reasons"].tolist()[place]
        if cell is not None and cell is not pd.NA:
            record = frame.iloc[place].drop("solicitud", errors="ignore").to_dict()
            expected = [
                {name: getattr(reason, name) for name in reason.__struct_fields__}
                for reason in scorer.score_one(record).reasons
            ]
            assert list(cell) == expected


def assert_same_report(found: BatchReport, expected: BatchReport) -> None:
    """Compare reports, but for what answers took."""
    assert (found.rows, found.refused) == (expected.rows, expected.refused)
    assert (found.rules, found.drift) == (expected.rules, expected.drift)
    for name in ("total", "decisions", "scores", "scored", "failures"):
        assert getattr(found.kpis, name) == getattr(expected.kpis, name)
    for name in ("mean_probability", "confidence", "default_ratio"):
        one, other = getattr(found.kpis, name), getattr(expected.kpis, name)
        assert (one is None and other is None) or abs(one - other) < 1e-12
    assert found.kpis.seconds > 0 or not found.kpis.total


def part_of(place: int, number: int, death: str = "") -> pd.DataFrame:
    """Make one of several parts of the applicants; the process that is to die at it does, once."""
    if death:
        die_once(death)
    frame = applicants(1200)
    size = -(-len(frame) // number)
    return frame.iloc[place * size : (place + 1) * size]


def die_once(marker: str, *, program: str = "") -> None:
    """Kill this process, or the one above it that runs a program, unless the marker says that it was done."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    process = psutil.Process()
    found = next((p for p in process.parents() if p.name() == program), process) if program else process
    found.kill()
    time.sleep(LONG)  # until the signal has arrived


def loaded_scorers() -> int:
    """Count the scorers that this process was sent."""
    return len(_loaded._scorers)


def scored_by_id(rows: Any, expected: pd.DataFrame) -> pd.DataFrame:
    """Put rows with ids in the order of what is expected; the one without an id of its own is left out."""
    found = pd.DataFrame(list(rows))
    order = {name: place for place, name in enumerate(expected["request_id"])}
    found = found[found["request_id"].notna()]
    return found.sort_values("request_id", key=lambda ids: ids.map(order)).reset_index(drop=True)


class FragileScoring:
    """Scores partitions; the process that gets the third one dies at it, once."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __call__(self, part: pd.DataFrame, *rest: Any) -> Any:
        if part.index[0] == 400:
            die_once(self._marker)
        return score_partition(part, *rest)


class Killing:
    """Gives batches as they are; the executor of the one that holds an id is killed at it, once."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __call__(self, batches: Any) -> Any:
        for batch in batches:
            if "s-1" in batch.column(0).to_pylist():
                die_once(self._marker, program="java")
            yield batch
