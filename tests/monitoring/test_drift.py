from __future__ import annotations

import math
import threading
from time import sleep

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.alerts import AlertBook
from morosidad.monitoring.drift import DriftMonitor
from morosidad.monitoring.drift_reference import DriftReference, FieldReference, is_missing

NAN = float("nan")


def reference(size: int = 2000, seed: int = 1) -> DriftReference:
    return DriftReference.measure(*population(size, seed))


def population(size: int, seed: int, shift: float = 0.0) -> tuple[dict[str, list[object]], list[float]]:
    rng = np.random.default_rng(seed)
    income = rng.lognormal(6 + shift, 0.5, size).tolist()
    return {
        "ingreso": [None if rng.random() < 0.02 else value for value in income],
        "vivienda": rng.choice(["propia", "renta", "familiar"], size, p=[0.5, 0.3, 0.2]).tolist(),
        "dependientes": rng.integers(0, 4, size).tolist(),
    }, rng.beta(2, 8, size).tolist()


def observe(monitor: DriftMonitor, columns: dict[str, list[object]], scores: list[float]) -> None:
    for *values, score in zip(*columns.values(), scores, strict=True):
        monitor.observe(values, score)


# The reference


@pytest.mark.parametrize("none", [None, {"ingreso": [1.0]}])
def test_without_a_reference_there_is_no_monitor(none):
    with pytest.raises(TypeError, match="a scorer's drift_reference was expected, not"):
        DriftMonitor(none)


def test_a_number_is_cut_into_cells_of_equal_share():
    (field,) = DriftReference.measure({"x": range(1000)}, [0.5] * 1000).fields
    assert field == FieldReference("x", (*[100] * 10, 0), cuts=tuple(float(99 + 100 * n) for n in range(9)))
    assert field.labels == (*(f"≤ {99 + 100 * n}" for n in range(9)), "> 899", "sin dato")


def test_a_value_that_many_share_has_one_cell():
    values = [0.0] * 700 + [float(n) for n in range(1, 301)]
    (field,) = DriftReference.measure({"x": values}, [0.5] * 1000).fields
    assert field.cuts == (0.0, 100.0, 200.0)
    assert field.counts == (700, 100, 100, 100, 0)


def test_a_number_with_few_values_has_a_cell_for_each():
    (field,) = DriftReference.measure({"x": [0, 1, 1, 2, NAN]}, [0.5] * 5).fields
    assert field == FieldReference("x", (2, 1, 1, 0, 1), categories=(1, 0, 2))
    assert field.labels == ("1", "0", "2", "otros", "sin dato")


def test_numbers_can_stand_for_categories():
    (field,) = DriftReference.measure({"zona": range(20)}, [0.5] * 20, categorical=["zona"]).fields
    assert field.cuts == ()
    assert len(field.categories) == 20


def test_rare_categories_share_a_cell():
    values = ["a"] * 900 + ["b"] * 98 + ["c", None]
    (field,) = DriftReference.measure({"x": values}, [0.5] * 1000).fields
    assert field == FieldReference("x", (900, 98, 1, 1), categories=("a", "b"))


def test_a_data_frame_can_be_measured():
    pandas = pytest.importorskip("pandas")
    columns, scores = population(200, 3)
    frame = pandas.DataFrame(columns)
    frame["vivienda"] = frame["vivienda"].astype("category")
    frame["dependientes"] = frame["dependientes"].astype("Int64").mask(frame.index < 5)
    columns["dependientes"][:5] = [None] * 5
    assert DriftReference.measure(frame, np.array(scores)) == DriftReference.measure(columns, scores)


@pytest.mark.parametrize("value", [None, NAN, np.float64("nan"), np.datetime64("NaT")])
def test_missing_values_are_known(value):
    assert is_missing(value)
    assert not is_missing(0)
    assert not is_missing("")


def test_the_reference_survives_json():
    original = reference()
    assert msgspec.json.decode(msgspec.json.encode(original), type=DriftReference) == original


@pytest.mark.parametrize(
    ("columns", "scores"),
    [({"x": [1, 2]}, []), ({"x": [1, 2]}, [0.1, NAN])],
)
def test_what_can_not_be_measured_is_refused(columns, scores):
    with pytest.raises(ValueError, match=r"no values|no score"):
        DriftReference.measure(columns, scores)


# The index


def plain_psi(values: list[object], then: list[object]) -> float:
    """The index by its definition, each value a cell of its own."""
    total = 0.0
    for cell in {*values, *then}:
        a = max(then.count(cell), 0.5) / len(then)
        b = max(values.count(cell), 0.5) / len(values)
        total += (b - a) * math.log(b / a)
    return total


categories = st.sampled_from(["a", "b", "c", None])


@settings(max_examples=100, deadline=None)
@given(st.lists(categories, min_size=1, max_size=80), st.lists(categories, min_size=1, max_size=80))
def test_the_index_follows_its_definition(then, now):
    if all(value is None for value in then):
        then.append("a")
    model = DriftReference.measure({"x": then}, [0.5] * len(then))
    monitor = DriftMonitor(model, every=1)
    for value in now:
        monitor.observe((value if value in then or value is None else "otro",), 0.5)
    seen = [value if value in then or value is None else "otro" for value in now]
    drift = monitor.report().fields[0]
    assert drift.psi == pytest.approx(plain_psi(seen, then), abs=1e-12)
    assert drift.records == len(now)


def test_the_same_population_is_stable():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(2000, 2))
    report = monitor.report()
    assert report.records == 2000
    assert [drift.field for drift in report.fields] == ["ingreso", "vivienda", "dependientes"]
    assert report.score.field == "probabilidad"
    for drift in (*report.fields, report.score):
        assert drift.state == "estable"
        assert drift.psi < drift.noise < 0.1


def test_what_moved_is_found_and_shown_where_it_moved():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(2000, 2, shift=0.5))
    income, *others = monitor.report().fields
    assert income.state == "fuerte"
    assert income.cells[0].label.startswith("≤")
    assert income.cells[0].current < income.cells[0].reference
    assert {drift.state for drift in others} == {"estable"}
    assert sum(cell.current for cell in income.cells) == pytest.approx(1)
    assert sum(cell.reference for cell in income.cells) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "label"), [(["nueva", "propia", "renta"], "otros"), ([None, "propia", "renta"], "sin dato")]
)
def test_new_categories_and_missing_values_are_drift_too(values, label):
    then = ["propia", "renta"] * 500
    monitor = DriftMonitor(DriftReference.measure({"vivienda": then}, [0.5] * 1000), every=1)
    for _ in range(100):
        for value in values:
            monitor.observe((value,), 0.5)
    drift = monitor.report().fields[0]
    assert drift.state == "fuerte"
    assert {cell.label: cell.current for cell in drift.cells}[label] == pytest.approx(1 / 3)


def test_a_shift_of_the_score_is_drift():
    monitor = DriftMonitor(reference(), every=1)
    columns, scores = population(1000, 5)
    observe(monitor, columns, [min(1.0, score + 0.2) for score in scores])
    assert monitor.report().score.state == "fuerte"


def test_moderate_drift_lies_between_the_limits():
    model = DriftReference.measure({"x": ["a", "b"] * 5000}, [0.5] * 10_000)
    monitor = DriftMonitor(model, every=1)
    for number in range(5000):
        monitor.observe(("a" if number % 10 < 7 else "b",), 0.5)
    drift = monitor.report().fields[0]
    assert 0.1 < drift.psi < 0.25
    assert drift.state == "moderado"


# The noise


def test_few_records_prove_nothing():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(20, 4))
    drift = monitor.report().fields[0]
    assert drift.psi > 0.1
    assert drift.noise > drift.psi
    assert drift.state == "estable"


def test_no_records_are_no_data():
    report = DriftMonitor(reference()).report()
    assert {drift.state for drift in (*report.fields, report.score)} == {"sin datos"}
    assert report.score.psi == 0.0


def test_a_field_that_never_varies_is_stable_until_it_does():
    model = DriftReference.measure({"x": [5.0] * 1000}, [0.5] * 1000)
    monitor = DriftMonitor(model, every=1)
    monitor.observe((5.0,), 0.5)
    drift = monitor.report().fields[0]
    assert (drift.psi, drift.noise, drift.state) == (0.0, 0.0, "estable")
    for _ in range(100):
        monitor.observe((6.0,), 0.5)
    assert monitor.report().fields[0].state == "fuerte"


@pytest.mark.parametrize("records", [50, 200, 1000])
def test_chance_stays_below_the_noise_as_often_as_promised(records):
    rng = np.random.default_rng(records)
    monitor = DriftMonitor(
        DriftReference.measure({"x": rng.random(5000)}, rng.random(5000)), every=1, confidence=0.95
    )
    loud = 0
    for _ in range(200):
        monitor.reset()
        for x, score in rng.random((records, 2)).tolist():
            monitor.observe((x,), score)
        report = monitor.report()
        loud += (report.fields[0].psi > report.fields[0].noise) + (report.score.psi > report.score.noise)
    assert 0.01 <= loud / 400 <= 0.10


# The window


def test_one_record_in_so_many_is_looked_at():
    monitor = DriftMonitor(reference(), every=5)
    observe(monitor, *population(1000, 2))
    assert monitor.report().records == 200


def test_the_latest_records_are_looked_at_and_the_oldest_forgotten():
    model = DriftReference.measure({"x": ["a", "b"] * 50}, [0.5] * 100)
    monitor = DriftMonitor(model, window=100, every=1)
    for _ in range(1000):
        monitor.observe(("a",), 0.5)
    assert 90 <= monitor.report().records <= 100
    for number in range(100):
        monitor.observe(("b",), 0.5)
        assert 90 <= monitor.report().records <= 100, number
    assert [cell.current for cell in monitor.report().fields[0].cells] == [0, 1, 0, 0]


def test_nothing_is_left_after_a_reset():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(1500, 2))
    monitor.reset()
    assert monitor.report().records == 0


def test_merged_monitors_report_on_the_records_of_both():
    columns, scores = population(600, 9)
    whole, one, other = (DriftMonitor(reference(), every=1) for _ in range(3))
    observe(whole, columns, scores)
    observe(one, {name: values[:200] for name, values in columns.items()}, scores[:200])
    observe(other, {name: values[200:] for name, values in columns.items()}, scores[200:])
    one.merge(other)
    assert one.report() == whole.report()
    assert other.report().records == 400


def test_only_other_monitors_with_the_same_reference_are_merged():
    monitor = DriftMonitor(reference())
    for other in (monitor, DriftMonitor(reference(seed=2))):
        with pytest.raises(ValueError, match="same reference"):
            monitor.merge(other)


class InterruptedCounts(list[int]):
    """Counts that let other threads run in the middle of every addition."""

    def __getitem__(self, place):
        count = super().__getitem__(place)
        sleep(0)
        return count

    def __setitem__(self, place, count):
        super().__setitem__(place, count)


def test_threads_lose_no_record():
    model = DriftReference.measure({"x": ["a", "b"] * 50}, [0.5] * 100)
    monitor = DriftMonitor(model, every=1, window=100_000)
    monitor._counts = InterruptedCounts(monitor._counts)
    start = threading.Barrier(4)

    def work(value: str) -> None:
        start.wait()
        for _ in range(300):
            monitor.observe((value,), 0.5)

    threads = [threading.Thread(target=work, args=(value,)) for value in "aabb"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = monitor.report()
    assert report.records == 1200
    assert [cell.current for cell in report.fields[0].cells] == [0.5, 0.5, 0, 0]


def test_a_record_of_another_length_is_refused_and_not_counted():
    monitor = DriftMonitor(reference(), every=1)
    with pytest.raises(ValueError, match="argument"):
        monitor.observe((1.0, "propia"), 0.5)
    assert monitor.report().records == 0


@pytest.mark.parametrize(
    "options", [{"window": 9}, {"every": 0}, {"confidence": 1.0}, {"limits": (0.3, 0.1)}, {"limits": (0, 1)}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="window must be"):
        DriftMonitor(reference(), **options)


# What people see


def test_drift_opens_alerts_that_close_when_it_is_over():
    model = DriftReference.measure({"x": ["a", "b"] * 5000}, [0.5] * 10_000)
    monitor = DriftMonitor(model, window=1000, every=1)
    book = AlertBook()

    def see(share: int) -> list[tuple[str, str]]:
        for number in range(1000):
            monitor.observe(("a" if number % 100 < share else "b",), 0.5)
        monitor.watch(book)
        return [(alert.code, alert.level) for alert in book.active]

    assert see(50) == []
    assert see(70) == [("deriva", "warning")]
    assert see(85) == [("deriva", "critical")]
    assert "«x» PSI 0,6" in book.active[0].message
    assert "(ruido 0,0" in book.active[0].message
    assert see(50) == []
    assert len(book.history) == 1


def test_fields_that_drift_together_are_one_alert_founded_on_enough_records():
    names = [f"x{i}" for i in range(5)]
    model = DriftReference.measure({name: ["a", "b"] * 5000 for name in names}, [0.5] * 10_000)
    monitor, book = DriftMonitor(model, every=1), AlertBook()
    for number in range(150):
        assert not book.active, number
        monitor.observe(("a",) * 5, 0.5)
        monitor.watch(book)
    (alert,) = book.active
    assert (alert.code, alert.level) == ("deriva", "critical")
    assert [f"«{name}»" in alert.message for name in names] == [True] * 3 + [False] * 2
    assert "y 2 más; con 150 registros" in alert.message


def test_a_notebook_shows_what_moved_most_first():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(1000, 2, shift=0.5))
    html = monitor.report()._repr_html_()
    assert html.index("probabilidad") < html.index("ingreso") < html.index("vivienda")
    assert "1000 registros" in html


def test_the_json_of_a_report_has_spanish_keys():
    monitor = DriftMonitor(reference(), every=1)
    observe(monitor, *population(50, 2))
    document = msgspec.to_builtins(monitor.report())
    assert list(document) == ["registros", "campos", "puntaje"]
    assert list(document["puntaje"]) == ["campo", "psi", "ruido", "registros", "estado", "celdas"]
    assert list(document["puntaje"]["celdas"][0]) == ["valor", "referencia", "actual"]
