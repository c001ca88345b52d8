"""What a partition's decisions count for, as bytes that stand in its results.

Engines do a partition again when a worker dies, and may do one twice. Counts that are part of a result come
into a report as often as the result itself does: once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np

from morosidad.errors import InvalidFrame
from morosidad.kpis.counting.columns import COLUMNS
from morosidad.kpis.tracker import KPITracker
from morosidad.monitoring.drift import DriftMonitor
from morosidad.scoring.scorer import Scorer

COUNTS = "counts"
"""The column that they stand in, once for each partition, in its first row."""

_UNLIMITED = 2**62  # records: a batch has no window


class PartitionCounts(msgspec.Struct, frozen=True):
    """What was counted on some rows.

    Attributes
    ----------
    digest : str
        Of the model that answered, and of its policy.
    rows, refused : int
        The rows, and those without a decision.
    places, values : list
        The counts that are not zero of `KPITracker`, and the places where they belong.
    rules : dict of str to int
        How often each rule fired, by its code.
    drift_records : int
        Records that were compared with the reference.
    drift_counts : list of int, optional
        How many fell into each cell; None where the model has no reference.
    """

    digest: str
    rows: int
    refused: int
    places: list[int]
    values: list[float]
    rules: dict[str, int]
    drift_records: int
    drift_counts: list[int] | None

    @classmethod
    def of(cls, scorer: Scorer, rows: int, refused: int) -> PartitionCounts:
        """Read what a scorer of `counting` has counted.

        Parameters
        ----------
        scorer : Scorer
            Who decided.
        rows, refused : int
            The rows, and those without a decision.

        Returns
        -------
        PartitionCounts
        """
        kpis, drift = scorer.parts.get("kpis"), scorer.parts.get("drift")
        assert kpis is not None
        row = kpis.lifetime().row
        places = np.flatnonzero(row)
        records, counts = (0, None) if drift is None else drift.totals()
        return cls(
            _identity(scorer),
            rows,
            refused,
            places.tolist(),
            row[places].tolist(),
            kpis.rules(),
            records,
            counts,
        )

    def encoded(self) -> bytes:
        """Give the counts as bytes, some hundreds for a partition."""
        return msgspec.msgpack.encode(self)


def _identity(scorer: Scorer) -> str:
    return scorer._model.decision_digest


def counting(scorer: Scorer) -> Scorer:
    """Give a scorer that counts its decisions, and compares every record with the reference.

    Parameters
    ----------
    scorer : Scorer
        Who decides.

    Returns
    -------
    Scorer
    """
    reference = scorer.drift_reference
    drift = None if reference is None else DriftMonitor(reference, every=1, window=_UNLIMITED)
    return scorer.with_parts(kpis=KPITracker(subwindows=1), drift=drift)


def summed(scorer: Scorer, counts: Iterable[bytes]) -> PartitionCounts:
    """Add up what the partitions of one frame counted.

    Parameters
    ----------
    scorer : Scorer
        Who decided.
    counts : iterable of bytes
        Of each partition.

    Returns
    -------
    PartitionCounts

    Raises
    ------
    InvalidFrame
        If something else stands there, or what another model counted.
    """
    row = np.zeros(COLUMNS)
    rules: Counter[str] = Counter()
    reference, rows, refused, records = scorer.drift_reference, 0, 0, 0
    drift = None if reference is None else DriftMonitor(reference, every=1, window=_UNLIMITED)
    for data in counts:
        try:
            found = msgspec.msgpack.decode(data, type=PartitionCounts)
            np.add.at(row, found.places, found.values)
            if drift is not None and found.digest == _identity(scorer):
                drift.add(found.drift_records, found.drift_counts or [])
        except (msgspec.DecodeError, ValueError, IndexError, TypeError):
            raise InvalidFrame(f"the column {COUNTS!r} holds no counts of partitions", [COUNTS]) from None
        if found.digest != _identity(scorer):
            raise InvalidFrame(f"another model has scored this frame: {found.digest}", [COUNTS])
        rows, refused = rows + found.rows, refused + found.refused
        rules.update(found.rules)
    records, cells = (0, None) if drift is None else drift.totals()
    places = np.arange(COLUMNS).tolist()
    return PartitionCounts(
        _identity(scorer), rows, refused, places, row.tolist(), dict(sorted(rules.items())), records, cells
    )
