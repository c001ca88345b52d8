"""What rules cost: ``python benchmarks/policy/bench_rules.py``.

Ten rules of the kind that lenders have, two of them before the score, on one record and on a million rows:
first the rules alone, then a scorer with them beside the same scorer without, in turns, so that the ratios
hold on a noisy machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from measuring import full
from morosidad import AHORRO_VALLE, Policy, Rule, Scorer, make_applicants
from morosidad.frames.reading import read_frame
from morosidad.policy.rules.compiled import CompiledRules
from morosidad.policy.rules.fired import combinations

RULES = (
    Rule("edad < 18 or edad > 85", "rechazar", "K1", stage="before"),
    Rule("monto_credito > 12 * ingresos_mensuales", "revisar", "K2", stage="before"),
    Rule("edad < 21 and monto_credito > 5e6", "revisar", "P1"),
    Rule("deuda_actual / ingresos_mensuales > 0.6", "revisar", "P2"),
    Rule("plazo_meses > 48 and ingresos_mensuales < 1.5e6", "revisar", "P3"),
    Rule("probability > 0.35 and monto_credito >= 1e7", "rechazar", "P4"),
    Rule("18 <= edad < 25 and plazo_meses in (48, 60, 72)", "revisar", "P5"),
    Rule("outcome == 'aprobar' and edad + plazo_meses / 12 > 75", "revisar", "P6"),
    Rule("ingresos_mensuales is None or ingresos_mensuales <= 0", "revisar", "P7"),
    Rule("tipo_empleo in ('otro', 'agricola') and probability > 0.1", "revisar", "P8"),
)

POLICY = Policy(rules=RULES, score_always=True)  # else rows that rules decline would be quicker than without


def best(call: Callable[[], object], rounds: int) -> float:
    """Give the least seconds of several calls."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def records() -> None:
    """One record, some thousand times."""
    frame = make_applicants(full(2000, 100), seed=1).drop(columns="moroso_12m")
    rows = [AHORRO_VALLE.read(record)[0] for record in frame.to_dict("records")]
    rules = CompiledRules(RULES, AHORRO_VALLE)

    def ask() -> None:
        for row in rows:
            rules.decided(row, 0.2, "revisar", rules.first(row))

    def nothing() -> None:
        for row in rows:
            empty(row, 0.2, "revisar", row)

    alone = best(ask, full(40, 2)) - best(nothing, full(40, 2))
    print(f"ten rules on one record        {alone / len(rows) * 1e6:8.2f} µs")
    scorers = [Scorer.default(), Scorer.default(policy=POLICY)]
    some = frame.to_dict("records")[:500]
    rounds = [
        [best(lambda one=one: [one.score_one(r) for r in some], 1) for one in scorers]
        for _ in range(full(30, 2))
    ]
    plain, ruled = np.min(rounds, axis=0) / len(some) * 1e6
    print(f"score_one without, with        {plain:8.2f} µs {ruled:8.2f} µs  ({ruled / plain:.2f} times)")


def empty(*_: object) -> None:
    """Cost what a call costs."""


def frames() -> None:
    """A million rows."""
    number = full(1_000_000, 2000)
    frame = make_applicants(min(number, 100_000), seed=1).drop(columns="moroso_12m")
    frame = frame.sample(number, replace=True, random_state=0, ignore_index=True)
    columns, bad = read_frame(AHORRO_VALLE, frame)
    rules = CompiledRules(RULES, AHORRO_VALLE)
    probability = np.random.default_rng(0).random(len(frame)) / 2
    outcomes = (probability > 0.2).astype(np.int8)
    step = 2**16

    def ask() -> None:
        for start in range(0, number, step):
            part = slice(start, start + step)
            some = [column[part] for column in columns]
            first = rules.first_columns(some, "")
            after = rules.decided_columns(some, probability[part], outcomes[part], "", first)
            combinations([first, after], len(bad[part]))

    print(f"ten rules on {number:,} rows   {best(ask, full(5, 1)):8.3f} s")
    scorers = [Scorer.default(), Scorer.default(policy=POLICY)]
    rounds = [[best(lambda one=one: one.score_frame(frame), 1) for one in scorers] for _ in range(full(3, 1))]
    plain, ruled = np.min(rounds, axis=0)
    print(f"score_frame without, with      {plain:8.3f} s  {ruled:8.3f} s   ({ruled / plain:.2f} times)")


if __name__ == "__main__":
    records()
    frames()
