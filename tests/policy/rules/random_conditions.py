"""Random conditions over records of every kind of field."""

from __future__ import annotations

from hypothesis import strategies as st

from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

SCHEMA = Schema(
    [
        Field("edad", "integer"),
        Field("ingresos", "number"),
        Field("deuda", "number"),
        Field("plan", "category", categories=(1, 2, 30)),
        Field("hijos", "integer", categories=(0, 1, 2, 3)),
        Field("estado", "category"),
        Field("ciudad", "category"),
        Field("mora", "boolean"),
        Field("titular", "boolean"),
    ]
)
NUMBERS = ("edad", "ingresos", "deuda", "plan", "hijos")
LEVELS = {"plan": (1, 2, 30), "hijos": (0, 1, 2, 3)}
TEXTS = ("estado", "ciudad")
TRUTHS = ("mora", "titular")
WORDS = ("a", "B", "b", "ñ", "", "casa", "2001-02-28", "2020-02-29", "it's")
_FLOATS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e308, -1e308, 5e-324, 2.0**53, 1 / 3])
ROWS = st.fixed_dictionaries(
    {
        "edad": st.sampled_from([0.0, -0.0, 18.0, 21.0, 65.0, -3.0, 2.0**53 - 1, 1e15]),
        "ingresos": _FLOATS | st.floats(allow_nan=False, allow_infinity=False),
        "deuda": _FLOATS | st.floats(-10, 10),
        "plan": st.sampled_from(LEVELS["plan"]),
        "hijos": st.sampled_from(LEVELS["hijos"]),
        "estado": st.sampled_from(WORDS),
        "ciudad": st.sampled_from(WORDS),
        "mora": st.booleans(),
        "titular": st.booleans(),
    }
)
GAPS = st.sets(st.sampled_from(SCHEMA.names))
DATES = st.sampled_from([*TEXTS, "lower(ciudad)", "today()", "'2001-02-28'", "'2020-02-29'"])
CONSTANTS = st.sampled_from(["0", "1", "2.5", "18", "1e308", "0.1", "3", "1e-300"])


def numbers(*, judged: bool) -> st.SearchStrategy[str]:
    """Make expressions of numbers; `judged` are those that pandas knows too."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        signs, name = st.sampled_from(["+", "-", "*", "/", "//", "%"]), st.sampled_from(NUMBERS)
        made = [  # a sum of constants alone is one of Python's to pandas
            st.builds("({} {} {})".format, name, signs, inner),
            st.builds("({} {} {})".format, inner, signs, name if judged else inner),
            st.builds("(-{})".format, inner),
            st.builds("{}({})".format, st.sampled_from(["abs", "floor"]), inner),
        ]
        if not judged:
            made += [
                st.builds("round({})".format, inner),
                st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
                st.builds("min({}, {}, {})".format, inner, inner, inner),
                st.builds("len({})".format, texts(judged=False)),
                st.builds("years_between({}, {})".format, DATES, DATES),
            ]
        return st.one_of(made)

    return st.recursive(st.sampled_from(NUMBERS) | CONSTANTS, larger, max_leaves=4)


def texts(*, judged: bool) -> st.SearchStrategy[str]:
    """Make expressions of texts."""
    fields = st.sampled_from(TEXTS)
    plain = fields | st.sampled_from([repr(word) for word in WORDS])
    return plain if judged else plain | st.builds("lower({})".format, plain) | st.just("today()")


def conditions(*, judged: bool) -> st.SearchStrategy[str]:
    """Make conditions."""
    number, text = numbers(judged=judged), texts(judged=judged)
    compared = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    some = st.lists(CONSTANTS | st.just("-1"), min_size=1, max_size=3).map(", ".join)
    words = st.lists(st.sampled_from([repr(word) for word in WORDS]), min_size=1, max_size=3).map(", ".join)
    free = st.sampled_from(["edad", "ingresos", "(edad + deuda)"])
    sides = st.sampled_from(["ingresos", "deuda", "edad", "(edad * 2)", "1", "18"])
    leaves = [
        st.builds("({} {} {})".format, free, compared, sides),
        st.builds("({} {} {})".format, sides, compared, free),
        st.builds("({} {} ({}))".format, free, compared, number),
        st.builds("({} < {} <= {})".format, number, free, number),
        st.builds("({} {} {})".format, st.sampled_from(TEXTS), compared, text),
        st.builds("({} {} [{}])".format, free, st.sampled_from(["in", "not in"]), some),
        st.builds("({} {} [{}])".format, st.sampled_from(TEXTS), st.sampled_from(["in", "not in"]), words),
        st.sampled_from(TRUTHS),
        st.sampled_from(["(mora == titular)", "(mora != titular)", "(plan == 30)", "(hijos in [0, 3])"]),
    ]
    if not judged:
        missing = st.sampled_from(["is None", "is not None"])
        leaves += [
            st.builds("({} {})".format, st.sampled_from(SCHEMA.names), missing),
            st.builds("({} {})".format, number, missing),
            st.builds("({} {} {})".format, text, compared, text),
            st.sampled_from(["(mora == True)", "(False != titular)", "True", "False"]),
        ]
    return st.recursive(
        st.one_of(leaves),
        lambda inner: (
            st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
            | st.builds("(not {})".format, inner)
        ),
        max_leaves=5,
    )
