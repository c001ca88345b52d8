"""A scorer as a function of SQL: the answers of frames, in DuckDB itself."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad import AuditLog, KPITracker, Points, Policy, Rule, Scorer
from morosidad.errors import MissingExtra, SettingsError
from support import needed

pytestmark = pytest.mark.engines


@pytest.fixture
def connection() -> Any:
    needed(find_spec("duckdb") is not None, "duckdb")
    import duckdb

    return duckdb.connect()


def asked(connection: Any, scorer: Scorer, frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    fields = scorer.register(connection, "decidir", **options)
    connection.register("solicitudes", frame)
    arguments = ", ".join(f'"{name}"' for name in fields)
    query = f"select unnest(d) from (select decidir({arguments}) as d from solicitudes)"
    return connection.sql(query).df()


def test_answers_are_those_of_frames(connection: Any, scorer: Scorer, frame: pd.DataFrame) -> None:
    rows = frame.copy()
    rows.loc[rows.index[::7], "ingresos_mensuales"] = np.nan
    rows["edad"] = rows["edad"].astype("float64")
    rows.loc[rows.index[3], "edad"] = 30.5
    found = asked(connection, scorer, rows, reasons=True)
    expected = scorer.score_frame(rows, reasons=True, errors="coerce")
    assert found["probability"].equals(expected["probability"].reset_index(drop=True))
    decided = expected["outcome"].notna().to_numpy()
    assert found["outcome"].notna().tolist() == decided.tolist()
    assert found["outcome"][decided].tolist() == expected["outcome"][decided].tolist()
    told = [[reason["text"] for reason in reasons] for reasons in found["reasons"].dropna()]
    assert told == [list(texts) for texts in expected["reasons"][expected["probability"].notna()]]
    assert "edad" in found["error"][3]
    assert found["error"].isna().sum() == expected["probability"].notna().sum()


def test_parts_count_and_log_as_for_a_frame(
    connection: Any, scorer: Scorer, frame: pd.DataFrame, tmp_path: Any
) -> None:
    kpis = KPITracker()
    with AuditLog(tmp_path / "log.jsonl") as log:
        found = asked(connection, scorer.with_parts(kpis=kpis, audit=log), frame.head(50))
    assert kpis.report().predictions == len(log.frame())
    assert len(log.frame()) == found["outcome"].notna().sum() > 0


def test_points_and_rules_come_along(connection: Any, scorer: Scorer, frame: pd.DataFrame) -> None:
    rule = Rule("edad > 40", "revisar", "E1", "Edad")
    strict = scorer.with_policy(Policy(points=Points(), rules=(rule,)))
    found, expected = asked(connection, strict, frame), strict.score_frame(frame, errors="coerce")
    assert found["points"].tolist() == expected["points"].tolist()
    assert [list(codes) for codes in found["rules"]] == [list(codes) for codes in expected["rules"]]


def test_what_sql_can_not_tell_apart_is_refused(connection: Any, scorer: Scorer, frame: pd.DataFrame) -> None:
    large = frame.head(3).assign(edad=np.array([2**53 + 1, 40, 50], dtype=np.int64))
    with pytest.raises(Exception, match="edad: integers from 2"):
        asked(connection, scorer, large)


def test_another_policy_asks_for_another_function(
    connection: Any, scorer: Scorer, frame: pd.DataFrame, tmp_path: Any
) -> None:
    scorer.save(tmp_path / "1.morosidad")
    scorer.with_policy(Policy(points=Points())).save(tmp_path / "2.morosidad")
    active = Scorer.load(tmp_path / "1.morosidad")
    asked(connection, active, frame.head(2))
    active.reload(tmp_path / "2.morosidad")
    nothing = ", ".join(["NULL"] * len(scorer.schema.fields))
    with pytest.raises(Exception, match="register the scorer again"):
        connection.sql(f"select decidir({nothing})").fetchall()


def test_no_connection_and_no_name_are_told(connection: Any, scorer: Scorer) -> None:
    with pytest.raises(SettingsError, match="connection of DuckDB"):
        scorer.register("file.db")
    with pytest.raises(SettingsError, match="an identifier"):
        scorer.register(connection, "drop table")


def test_the_extra_is_named(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[duckdb\]"):
        scorer.register(None)
