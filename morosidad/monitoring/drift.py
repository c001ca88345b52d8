"""Drift monitor: the population stability index of every field and of the score.

The population stability index compares how two populations are spread over the same cells:
``sum((now - then) * log(now / then))`` over the shares (Siddiqi, *Credit Risk Scorecards*, Wiley, 2006,
doi:10.1002/9781119201731).
It is not zero even when nothing has changed. For `n` records against `m` in `k` cells,
``psi / (1/n + 1/m)`` then follows about a chi-squared law with ``k - 1`` degrees of freedom (Yurdakul and
Naranjo, *Statistical properties of the population stability index*, Journal of Risk Model Validation
14(4), 2020, doi:10.21314/JRMV.2020.227). What chance alone would rarely exceed is called noise here;
only what exceeds it is drift.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from itertools import cycle
from statistics import NormalDist
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np

from morosidad._typing import Floats
from morosidad.alerts import DRIFT, STRONG_DRIFT, AlertBook, Limit
from morosidad.frames.reading import Column
from morosidad.languages import Language, check_language, say, write_number
from morosidad.monitoring.drift_cells import FieldCells, chi_squared, stability_index
from morosidad.monitoring.drift_reference import DriftReference, FieldReference
from morosidad.processes.forking import renew_after_fork

DriftState = Literal["estable", "moderado", "fuerte", "sin datos"]

_PARTS = 10  # of the window: one is filling up, and the oldest is dropped for it
_FEWEST = 150  # records that an alert is founded on
_NAMED = 3  # fields in an alert


class CellShare(msgspec.Struct, frozen=True):
    """The share of a cell among all records, in the reference and now.

    Attributes
    ----------
    label : str
        What the cell holds.
    reference, current : float
        The shares, 0 to 1.
    """

    label: str = msgspec.field(name="valor")
    reference: float = msgspec.field(name="referencia")
    current: float = msgspec.field(name="actual")


class FieldDrift(msgspec.Struct, frozen=True):
    """How far a field has moved.

    Attributes
    ----------
    field : str
        The field's name; ``probabilidad`` is the score.
    psi : float
        Population stability index.
    noise : float
        What it would rarely exceed, at this number of records, if nothing had changed.
    records : int
        Records that were looked at.
    state : str
        ``moderado`` or ``fuerte`` from the limits on, if above the noise; else ``estable``, or ``sin datos``.
    cells : tuple of CellShare
        Where it moved.
    """

    field: str = msgspec.field(name="campo")
    psi: float
    noise: float = msgspec.field(name="ruido")
    records: int = msgspec.field(name="registros")
    state: DriftState = msgspec.field(name="estado")
    cells: tuple[CellShare, ...] = msgspec.field(name="celdas")


class DriftReport(msgspec.Struct, frozen=True, dict=True):
    """How far each field and the score have moved.

    Attributes
    ----------
    records : int
        Records that were looked at.
    fields : tuple of FieldDrift
        In the order of the reference.
    score : FieldDrift
        The probability of default.
    language : {'es', 'en', 'pt'}
        Of what a notebook shows; no part of the document.
    """

    language: ClassVar[Language] = "es"

    records: int = msgspec.field(name="registros")
    fields: tuple[FieldDrift, ...] = msgspec.field(name="campos")
    score: FieldDrift = msgspec.field(name="puntaje")

    def _repr_html_(self) -> str:
        """Show what moved most first, as a table in a notebook."""
        moved = sorted(self.fields, key=lambda drift: drift.psi, reverse=True)
        written = partial(write_number, self.language, template=".3f")
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(drift.field)}</th><td>{written(drift.psi)}</td>"
            f"<td>{written(drift.noise)}</td><td>{say(self.language, f'figures.{drift.state}')}</td></tr>"
            for drift in (self.score, *moved)
        )
        title = say(self.language, "figures.drift_title", records=self.records)
        noise, state = (say(self.language, f"figures.{name}") for name in ("noise", "state"))
        return (
            f"<table><caption>{title}</caption>"
            f"<thead><tr><th></th><th>PSI</th><th>{noise}</th><th>{state}</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


class DriftMonitor:
    """Population stability of every field and of the score, over the latest records, in constant memory.

    Parameters
    ----------
    reference : DriftReference
        How they were spread when the model was made.
    window : int, default=10000
        Records that are looked at: the latest so many, less a tenth at most while a tenth is filling up.
    every : int, default=10
        Looks at one record in so many; the others cost next to nothing.
    confidence : float, default=0.999
        How sure the noise is: chance alone stays below it with this probability, for each field.
    limits : tuple of float, optional
        The stability index from which on drift is moderate, and strong.

    Raises
    ------
    ValueError
        A number that makes no sense.

    Examples
    --------
    >>> reference = DriftReference.measure({"edad": range(18, 86)}, [0.1] * 68)
    >>> monitor = DriftMonitor(reference, every=1)
    >>> for age in [*range(18, 30)] * 20:
    ...     monitor.observe((age,), 0.1)
    >>> monitor.report().fields[0].state
    'fuerte'
    """

    def __init__(
        self,
        reference: DriftReference,
        *,
        window: int = 10_000,
        every: int = 10,
        confidence: float = 0.999,
        limits: tuple[float, float] = (0.1, 0.25),
    ) -> None:
        if window < _PARTS or every < 1 or not 0 < confidence < 1 or not 0 < limits[0] <= limits[1]:
            raise ValueError(f"window must be {_PARTS} or more; every, confidence and limits positive")
        if not isinstance(reference, DriftReference):
            found = type(reference).__name__
            raise TypeError(f"reference: a scorer's drift_reference was expected, not {found}")
        self.reference = reference
        self._make: dict[str, Any] = {
            "window": window,
            "every": every,
            "confidence": confidence,
            "limits": limits,
        }
        self._fields = (*reference.fields, reference.score)
        self._plan: list[FieldCells] = []
        self._cells = 0
        for field in self._fields:
            self._plan.append(FieldCells.of(field, self._cells))
            self._cells += len(field.counts)
        self._limits = limits
        self._alarms = [(Limit(limits[0]), Limit(limits[1])) for _ in self._fields]
        self._z = NormalDist().inv_cdf(confidence)
        self._skip: Callable[[], bool] = cycle([False, *[True] * (every - 1)]).__next__
        self._part_size = window // _PARTS
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        """Count from nothing: what the parent counted is the parent's to tell."""
        self._lock = threading.Lock()
        self.reset()

    def renewed(self, reference: DriftReference) -> DriftMonitor:
        """Return an empty monitor of the same make for another reference.

        Parameters
        ----------
        reference : DriftReference
            That of another model.

        Returns
        -------
        DriftMonitor
        """
        return DriftMonitor(reference, **self._make)

    def reset(self) -> None:
        """Forget every record that was looked at."""
        with self._lock:
            self._counts = [0] * self._cells
            self._records = 0
            self._past: deque[tuple[int, list[int]]] = deque(maxlen=_PARTS - 1)

    def observe(self, values: Sequence[Any], probability: float) -> None:
        """Look at a record, or skip it.

        Parameters
        ----------
        values : sequence
            One value for each field, in the order of the reference; None or NaN where one is missing.
        probability : float
            The model's answer.

        Raises
        ------
        ValueError
            There are more or fewer values than fields.
        """
        if self._skip():
            return
        each = zip((*values, probability), self._plan, strict=True)
        places = [cells.of_value(value) for value, cells in each]
        with self._lock:
            counts = self._counts
            for place in places:
                counts[place] += 1
            self._records += 1
            self._close_part()

    def observe_columns(self, columns: Sequence[Column], probabilities: Floats) -> None:
        """Look at many records, each as `observe` does; those without a probability are skipped.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            Validated values, one column for each field, in the order of the reference.
        probabilities : ndarray of float64, shape (n,)
            The model's answers; NaN where there is none.

        Raises
        ------
        ValueError
            There are more or fewer columns than fields.
        """
        scored = np.flatnonzero(~np.isnan(probabilities))
        looked = scored[np.fromiter((not self._skip() for _ in scored), dtype=bool, count=len(scored))]
        each = zip((*columns, probabilities), self._plan, strict=True)
        places = np.array([cells.of_column(column[looked]) for column, cells in each])
        with self._lock:
            while places.shape[1]:
                some, places = np.split(places, [self._part_size - self._records], axis=1)
                found = np.bincount(some.ravel(), minlength=self._cells)
                self._counts = np.add(self._counts, found).tolist()
                self._records += some.shape[1]
                self._close_part()

    def _close_part(self) -> None:
        """Begin another part of the window when this one is full."""
        if self._records >= self._part_size:
            self._past.append((self._records, self._counts))
            self._counts = [0] * self._cells
            self._records = 0

    def merge(self, other: DriftMonitor) -> None:
        """Add the records that `other`, with the same reference, has looked at.

        Parameters
        ----------
        other : DriftMonitor
            It is not changed.

        Raises
        ------
        ValueError
            `other` is this monitor, or has another reference.
        """
        if other is self or other.reference != self.reference:
            raise ValueError("merge another monitor, with the same reference")
        self.add(*other.totals())

    def add(self, records: int, counts: Sequence[int]) -> None:
        """Add what another monitor of the same reference gave as its `totals`.

        Parameters
        ----------
        records : int
            Records that it looked at.
        counts : sequence of int
            Of each cell of each field, and of the score.

        Raises
        ------
        ValueError
            The counts are of another number of cells.
        """
        with self._lock:
            self._counts = [mine + theirs for mine, theirs in zip(self._counts, counts, strict=True)]
            self._records += records

    def report(self, language: Language = "es") -> DriftReport:
        """Return how far each field and the score have moved.

        Returns
        -------
        DriftReport
        """
        records, counts = self.totals()
        drifts = []
        for field, cells in zip(self._fields, self._plan, strict=True):
            found = counts[cells.first : cells.missing + 1]
            drifts.append(self._drift(field, found, records))
        report = DriftReport(records, tuple(drifts[:-1]), drifts[-1])
        vars(report)["language"] = check_language(language)
        return report

    def watch(self, alerts: AlertBook) -> None:
        """Open one alert while any field has drifted, a critical one when strongly; close it afterwards.

        A handful of records is no population: below 150 that were looked at, nothing is said.

        Parameters
        ----------
        alerts : AlertBook
            Where the alert is opened.
        """
        report = self.report()
        drifted, grave = [], False
        for drift, (moderate, strong) in zip((*report.fields, report.score), self._alarms, strict=True):
            psi = drift.psi if drift.psi > drift.noise and drift.records >= _FEWEST else None
            grave |= strong.check(psi)
            if moderate.check(psi):
                drifted.append(drift)
        drifted.sort(key=lambda drift: drift.psi, reverse=True)
        told = partial(say, alerts.language)
        named = "; ".join(
            told("alerts.drifted", field=d.field, psi=d.psi, noise=d.noise) for d in drifted[:_NAMED]
        )
        more = told("alerts.more_drifted", more=len(drifted) - _NAMED) if len(drifted) > _NAMED else ""
        found = STRONG_DRIFT if grave else DRIFT
        alerts.report(found, bool(drifted), fields=f"{named}{more}", records=report.records)

    def totals(self) -> tuple[int, list[int]]:
        """Give what was counted.

        Returns
        -------
        records : int
            Records that were looked at.
        counts : list of int
            How many fell into each cell of each field, and of the score.
        """
        with self._lock:
            parts = [*self._past, (self._records, self._counts)]
            counts: list[int] = np.sum([part for _, part in parts], axis=0).tolist()
            return sum(records for records, _ in parts), counts

    def _drift(self, field: FieldReference, counts: list[int], records: int) -> FieldDrift:
        total = sum(field.counts)
        shares = zip(field.labels, field.counts, counts, strict=True)
        cells = tuple(
            CellShare(label, then / total, now / records if records else 0.0) for label, then, now in shares
        )
        if not records:
            return FieldDrift(field.field, 0.0, 0.0, 0, "sin datos", cells)
        psi, freedom = stability_index(field.counts, counts)
        noise = (1 / records + 1 / total) * chi_squared(self._z, freedom)
        state: DriftState = "estable"
        if psi > noise and psi >= self._limits[0]:
            state = "fuerte" if psi >= self._limits[1] else "moderado"
        return FieldDrift(field.field, psi, noise, records, state, cells)
