"""What the rules of a policy do on reference rows: how often each fires, and which fire together."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.pipeline import CHUNK_ROWS
from morosidad.frames.reading import FrameReader
from morosidad.policy.rules.rule import Rule
from morosidad.scoring.stored_model import StoredModel


class RulePair(NamedTuple):
    """Two rules that hold for some rows together.

    Attributes
    ----------
    codes : tuple of (str, str)
        The two, in order.
    rows : int
        For how many rows both hold.
    contradictory : bool
        Whether they say different outcomes.
    """

    codes: tuple[str, str]
    rows: int
    contradictory: bool


class RuleReport(msgspec.Struct, frozen=True):
    """The rules of a policy on reference rows, each asked about every row, whatever the others say.

    Attributes
    ----------
    rows : int
        The rows that the schema accepts.
    fired : dict of str to int
        For how many of them the condition of each rule holds, by its code.
    open : dict of str to int
        For how many a missing value leaves that open.
    pairs : tuple of RulePair
        Those that hold together on some row, most rows first.
    """

    rows: int
    fired: dict[str, int]
    open: dict[str, int]
    pairs: tuple[RulePair, ...]

    @property
    def never(self) -> tuple[str, ...]:
        """The rules whose condition holds for no row."""
        return tuple(code for code, number in self.fired.items() if not number)


def rule_report(model: StoredModel, table: Any) -> RuleReport:
    """Ask the rules of a model's policy about the rows of a frame.

    Parameters
    ----------
    model : StoredModel
        With rules.
    table : DataFrame
        One applicant a row; rows that the schema refuses are left out.

    Returns
    -------
    RuleReport

    Raises
    ------
    InvalidFrame
        If columns are missing that the model uses.
    """
    rules, reader = model.rules, FrameReader(model.schema, table, model.compiled.used)
    every = () if rules is None else rules.rules
    both = np.zeros((len(every), len(every)), dtype=np.int64)
    unknown = np.zeros(len(every), dtype=np.int64)
    number = 0
    for start in range(0, len(table), CHUNK_ROWS):
        columns, bad = reader.read(slice(start, min(start + CHUNK_ROWS, len(table))))
        columns = [column[~bad] for column in columns]
        if rules is None or bad.all():
            continue
        number += int((~bad).sum())
        probability = model.compiled.predict(columns)
        with np.errstate(invalid="ignore"):
            outcomes = model.policy.outcome_codes(probability)
        points = 0.0 if model.model_points is None else model.model_points.of_many(columns, probability)
        true, false = rules.conditions(columns, probability, outcomes, points)
        both += true.astype(np.int64) @ true.T.astype(np.int64)
        unknown += (~true & ~false).sum(axis=1)
    codes = [rule.code for rule in every]
    return RuleReport(
        number,
        dict(zip(codes, both.diagonal().tolist(), strict=True)),
        dict(zip(codes, unknown.tolist(), strict=True)),
        _pairs(every, both),
    )


def _pairs(rules: tuple[Rule, ...], both: NDArray[np.int64]) -> tuple[RulePair, ...]:
    found = [
        RulePair((one.code, other.code), int(both[i, j]), one.outcome != other.outcome)
        for (i, one), (j, other) in combinations(enumerate(rules), 2)
        if both[i, j]
    ]
    return tuple(sorted(found, key=lambda pair: -pair.rows))
