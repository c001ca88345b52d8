"""The types that users see, pinned: mypy reads this file, nothing runs it."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from morosidad import (
    AHORRO_VALLE,
    Decision,
    Field,
    Points,
    Policy,
    Reason,
    ReasonCode,
    RecordError,
    Schema,
    Scorer,
    Settings,
    check_monotone,
    cutoff_table,
)
from morosidad.audit import AuditLog, find, forget, read, replay, verify
from morosidad.engines import BatchReport, batch_report, score_dask, score_joblib, score_spark
from morosidad.errors import ArtifactVersionError, FieldError, InvalidRecord, Overloaded, PredictionError
from morosidad.policy.choices import ChosenCutoffs
from morosidad.policy.codes import read_codes
from morosidad.policy.contributions import Contributions
from morosidad.policy.decision import Notice
from morosidad.schema.field import Value
from morosidad.scoring.content.calibration import PortfolioCalibration
from morosidad.scoring.cutoffs.table import CutoffTable
from morosidad.scoring.monotonicity.checking import Monotonicity
from morosidad.scoring.plan import Plan

schema = Schema([Field("edad", "integer", ge=18, le=85, required=True)], target="moroso")
assert_type(AHORRO_VALLE, Schema)
assert_type(schema["edad"], Field)
assert_type(schema.validate({"edad": 40}), dict[str, Value])
assert_type(schema.validate(b'{"edad": 40}'), dict[str, Value])
assert_type(schema.read({"edad": 40}), tuple[tuple[Value, ...], tuple[str, ...]])
assert_type(schema.json_schema(), dict[str, Any])
assert_type(Schema.infer(pd.DataFrame(), target="y"), Schema)

scorer = Scorer.default(policy=Policy(review_at=0.1))
assert_type(scorer, Scorer)
decision = scorer.score_one({"edad": 40}, request_id="a")
assert_type(decision, Decision)
assert_type(decision.probability, float | None)
assert_type(decision.points, int | float | None)
assert_type(decision.notice(language="en", lender="Ahorro Valle"), Notice)
assert_type(scorer.notice(decision).markdown, str)
assert_type(Policy(codes=(ReasonCode("07", ("edad",)),), allowed="codes").codes, tuple[ReasonCode, ...])
assert_type(read_codes("codigos.csv"), tuple[ReasonCode, ...])
assert_type(Policy(points=Points(base=600)).points, Points | None)
assert_type(scorer.scorecard(pd.DataFrame(), [0, 1], points=Points()), pd.DataFrame)
assert_type(decision.reasons, tuple[Reason, ...])
assert_type(decision.cached, str | None)
assert_type(scorer.score_many([{"edad": 40}]), list[Decision | RecordError])
assert_type(scorer.score_frame(pd.DataFrame()), pd.DataFrame)
assert_type(scorer.predict_proba(pd.DataFrame()), NDArray[np.float64])
assert_type(scorer.predict(pd.DataFrame()), NDArray[Any])
assert_type(scorer.plan, Plan)
assert_type(scorer.contributions({"edad": 40}), Contributions)
assert_type(scorer.score_one({"edad": 40}, reasons="all"), Decision)
assert_type(scorer.explain_frame(pd.DataFrame(), scale="probability"), pd.DataFrame)
assert_type(scorer.importance(pd.DataFrame()), pd.DataFrame)
assert_type(scorer.reference, pd.DataFrame | None)
assert_type(scorer.classes_, NDArray[Any])
assert_type(scorer.n_features_in_, int)
assert_type(scorer.score(pd.DataFrame(), []), float)
assert_type(check_monotone(scorer, {"edad": -1}), tuple[Monotonicity, ...])
assert_type(Field("edad", "integer", monotonic=-1, protected=True).protected, bool)
assert_type(scorer.classes, tuple[Any, Any])
assert_type(scorer.frame_errors(pd.DataFrame()), list[InvalidRecord | PredictionError])
assert_type(Scorer.load("m", key=b"k", trusted=["a.B"]), Scorer)
assert_type(Scorer.train(pd.DataFrame(), [0, 1]), Scorer)
assert_type(Scorer.train(pd.DataFrame(), [0, 1], monotone={"ingresos": -1}), Scorer)
assert_type(Scorer.load("m", parts=lambda: {"cache": None}), Scorer)
assert_type(scorer == scorer.with_parts(), bool)
assert_type(scorer.with_policy(Policy()), Scorer)
assert_type(scorer.score_frame(pd.DataFrame(), policy=Policy()), pd.DataFrame)
assert_type(scorer.calibrated(to=0.08, of=0.3), Scorer)
assert_type(
    scorer.calibrated(X=pd.DataFrame(), y=[0, 1], version="2").calibration, PortfolioCalibration | None
)
assert_type(Policy.for_bad_rate(0.05, scorer, pd.DataFrame(), [0, 1], review=0.1), Policy)
assert_type(Policy.for_approval(0.6, p=[0.1, 0.2], y=[0, 1], seed=1), Policy)
assert_type(Policy.for_profit(scorer, pd.DataFrame(), [0, 1], gain=1.0, loss=[2.0, 3.0]), Policy)
assert_type(Policy().chosen, ChosenCutoffs | None)
table = cutoff_table(scorer, pd.DataFrame(), [0, 1], against=Policy(), gain=1.0, loss=2.0)
assert_type(table, CutoffTable)
assert_type(table.frame, pd.DataFrame)
assert_type(table.present.approval, float)

assert_type(AuditLog("d.jsonl", erasure=True, keep_files=3, compress="gz").forget("s-1"), int)
assert_type(forget("d.jsonl", "s-1"), int)
assert_type(verify("d.jsonl").forgotten, int)
assert_type(replay("d.jsonl", scorer.score_one, keys="d.jsonl.keys").forgotten, int)
assert_type([line.forgotten for line in read("d.jsonl", keys="d.jsonl.keys")], list[bool])
assert_type([line.forgotten for line in find("d.jsonl", "s1", keys="d.jsonl.keys")], list[bool])
assert_type([line.values for line in find("d.jsonl", "s-1")], list[dict[str, Any] | None])
assert_type(Settings().audit_keep_days, float | None)

assert_type(scorer.register(object(), "decide", reasons=True), tuple[str, ...])
assert_type(score_joblib(pd.DataFrame(), scorer, n_jobs=2, ids="id", reasons=True), pd.DataFrame)
assert_type(score_dask(None, scorer, report=True), Any)
assert_type(score_spark(None, scorer, missing_columns="ignore"), Any)
assert_type(batch_report(pd.DataFrame(), scorer), BatchReport)

for answer in scorer.score_many([]):
    if isinstance(answer, RecordError):
        assert_type(answer.errors, tuple[FieldError, ...])
    else:
        assert_type(answer, Decision)

try:
    scorer.score_one({})
except InvalidRecord as invalid:
    assert_type(invalid.errors, tuple[FieldError, ...])
except ArtifactVersionError as old:
    assert_type(old.found, int)
except Overloaded as busy:
    assert_type(busy.retry_after, float | None)
