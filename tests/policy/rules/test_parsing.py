"""Texts of expressions: what is let in, what is refused, and the place that is marked."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.policy.rules.checking import checked
from morosidad.policy.rules.nodes import Node, Variable, variables_of
from morosidad.policy.rules.parsing import (
    FUNCTIONS,
    LONGEST,
    Expression,
    ExpressionProblem,
    WrongExpressionError,
    marked,
)
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NFD_CAFE = "cafe\u0301"
SCHEMA = Schema(
    [
        Field("edad", "integer", missing=(-9,)),
        Field("ingreso mensual", "number"),
        Field("año", "integer", categories=(2024, 2025)),
        Field("estado", "category", categories=("casado", "Soltero", NFD_CAFE), missing=("NA",)),
        Field("ciudad", "category"),
        Field("mora", "boolean"),
        Field("outcome", "number"),
    ]
)
NAMES = variables_of(SCHEMA, "before")


def problems(text: str, names: dict[str, Variable] = NAMES) -> list[ExpressionProblem]:
    with pytest.raises(WrongExpressionError) as caught:
        checked(Expression(text), names)
    return caught.value.problems


def marks(text: str) -> list[str]:
    """Give what is marked in a wrong text."""
    return [text[problem.start : problem.end] for problem in problems(text)]


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("edad.real > 1", "Attribute is no part of a rule", "edad.real"),
        ("edad[0] > 1", "Subscript", "edad[0]"),
        ("[x for x in edad]", "ListComp", "[x for x in edad]"),
        ("(x for x in edad)", "GeneratorExp", "(x for x in edad)"),
        ("{x: 1}", "Dict", "{x: 1}"),
        ("lambda: 1", "Lambda", "lambda: 1"),
        ("1 if mora else 2", "IfExp", "1 if mora else 2"),
        ("f'{edad}' == 'a'", "JoinedStr", "f'{edad}'"),
        ("(edad := 2) > 1", "NamedExpr", "edad := 2"),
        ("edad ** 2 > 1", "write a product", "edad ** 2"),
        ("(edad > 1) & mora", "write 'and'", "(edad > 1) & mora"),
        ("(edad > 1) | mora", "write 'or'", "(edad > 1) | mora"),
        ("~mora", "write 'not'", "~mora"),
        ("eval('1')", "no such function", "eval('1')"),
        ("ciudad in ('a' 'b')", "one text in quotes", "'a' 'b'"),
        ("ciudad == 'a' \"b\"", "one text in quotes", "'a' \"b\""),
        ("ciudad == 'a\tb'", "one text in quotes", "'a\tb'"),
        ("ciudad == '''a\nb'''", "one text in quotes", "'''a\nb'''"),
        ("edad > 1 # or\n+ xyz", "nothing is called 'xyz'", "xyz"),
        ("await edad", "Await", "await edad"),
        ("(yield edad)", "Yield", "yield edad"),
        ("edad in (*ciudad, 1)", "Starred", "*ciudad"),
        ("min(*[1, 2]) > 1", "Starred", "*[1, 2]"),
        ("{**edad}", "Dict", "{**edad}"),
        ("9 ** 9 ** 9 > edad", "write a product", "9 ** 9 ** 9"),
        ("'a' * 99999999 == ciudad", "a number was expected", "'a'"),
        ("edad @ 2 > 1", "MatMult", "edad @ 2"),
        ("edad << 99999999 > 1", "LShift", "edad << 99999999"),
        ("edad > " + "9" * 1900, "exactly", "9" * 1900),
        ("__builtins__", "nothing is called", "__builtins__"),
        ("\uff41\uff42\uff53(edad) > 1", "no such function", "\uff41\uff42\uff53(edad)"),
        ("\uff45dad > 1", "did you mean 'edad'?", "\uff45dad"),
        ("mora is \uff2eone", "None only", "\uff2eone"),
        ("edad > \uff11", "it is no expression", "\uff11"),
        ("edad > 1 and\u00a0mora", "can't be shown", "\u00a0"),
        ("mi(1, 2) > 1", "did you mean min?", "mi(1, 2)"),
        ("abs(x=1) > 1", "no such function", "abs(x=1)"),
        ("abs(*edad) > 1", "Starred", "*edad"),
        ("abs.real(1) > 1", "no such function", "abs.real(1)"),
        ("edad > b'a'", "a number or a text", "b'a'"),
        ("edad > 1j", "a number or a text", "1j"),
        ("edad > ...", "a number or a text", "..."),
        ("'a\\x41' == estado", "a backslash", "\\"),
        ("edad > 1\x00", "can't be shown", "\x00"),
        ("edad > 1; mora", "it is no expression", ";"),
        ("edad > 9007199254740993", "exactly", "9007199254740993"),
        ("edad > 1e999", "exactly", "1e999"),
        ("edaad > 1", "did you mean 'edad'?", "edaad"),
        ("xyz", "nothing is called 'xyz'", "xyz"),
        ("edad", "a condition was expected, not a number", "edad"),
        ("not estado", "a condition was expected, not a text", "estado"),
        ("edad and mora", "a condition was expected", "edad"),
        ("edad == 'a'", "a number is compared with a text", "'a'"),
        ("mora == 1", "a condition is compared with a number", "1"),
        ("mora < True", "'and', 'or' and 'not'", "mora"),
        ("mora == (edad > 1)", "'and', 'or' and 'not'", "edad > 1"),
        ("edad + mora > 1", "a number was expected, not a condition", "mora"),
        ("-estado > 1", "a number was expected, not a text", "estado"),
        ("len(edad) > 1", "a text was expected", "edad"),
        ("years_between('2026-02-29', ciudad) > 1", "a date was expected", "'2026-02-29'"),
        ("years_between(today(), estado) > 1", "a date was expected", "estado"),
        ("min(edad) > 1", "min takes 2 or more, not 1", "min(edad)"),
        ("abs(edad, 1) > 1", "abs takes 1, not 2", "abs(edad, 1)"),
        ("edad == None", "write 'is None'", "None"),
        ("edad is 1", "None only", "1"),
        ("(edad > 1) is None", "can't be asked", "edad > 1"),
        ("None", "asked for with 'is'", "None"),
        ("edad in 3", "a list of numbers or texts", "3"),
        ("edad in []", "a list of numbers or texts", "[]"),
        ("edad in [1, 'a']", "a number was expected, written out", "'a'"),
        ("mora in [True]", "written out", "True"),
        ("edad in [1 + 1]", "written out", "1 + 1"),
        ("[1, 2]", "behind 'in' only", "[1, 2]"),
        ("estado == 'casada'", "did you mean 'casado'?", "'casada'"),
        ("estado in ('casado', 'x')", "it is one of casado, Soltero", "'x'"),
        ("lower(estado) == 'Soltero'", "did you mean 'soltero'?", "'Soltero'"),
        ("año == 2023", "did you mean '202", "2023"),
        ("edad == -9", "write 'is None'", "-9"),
        ("estado == 'NA'", "write 'is None'", "'NA'"),
        ("`ingreso mensua` > 1", "did you mean 'ingreso mensual'?", "`ingreso mensua`"),
        ("estado == 'ñ' and `año` == 'x'", "a number is compared", "'x'"),
    ],
)
def test_what_is_refused_is_named_and_its_place_marked(text: str, words: str, place: str) -> None:
    found = problems(text)
    assert any(
        words in problem.message and text[problem.start : problem.end] == place for problem in found
    ), found


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = "edd > 1 and estado == 'x' or not (año == 'y') and abs(lower(3)) < foo2"
    assert marks(text) == ["edd", "'x'", "'y'", "3", "foo2"]
    assert marks("edd < 3 < edad < 'a'") == ["edd", "'a'"]
    assert marks("edd in [1] or edad in [zz]") == ["edd", "zz"]


@pytest.mark.parametrize("comment", ["", " # it's `one`", " # '"])
def test_a_comment_ends_with_its_line(comment: str) -> None:
    whole = checked(Expression(f"edad > 1{comment}\nand mora{comment}"), NAMES)
    assert whole == checked(Expression("edad > 1 and mora"), NAMES)


@pytest.mark.parametrize(
    "text", ["(" * 300, "-" * 300 + "edad > 1", "not " * 60 + "mora", "1" * 5000, " or ".join(["mora"] * 390)]
)
def test_what_is_too_large_is_refused(text: str) -> None:
    assert problems(text)
    assert len(marked(text, problems(text)[0])) < 300


@pytest.mark.parametrize(
    "text",
    [
        "edad > 1 # an explanation",
        'ciudad == \'#\' or ciudad == r\'a\' or ciudad == """it\'s"""',
        "  edad\n>\t1  ",
        "18 <= edad < 65 and mora != True",
        "`ingreso mensual` * 12 > 1e6",
        "estado in ['casado'] or estado not in {'casado', 'Soltero'}",
        "ciudad == '`ingreso mensual`' or ciudad == \"it's\"",
        "edad in (1, -2, +3)",
        "estado < 'zz' and ciudad == 'never seen'",
        "years_between(ciudad, today()) >= 18",
        "lower(estado) in ('casado',) and abs(-edad) >= 0",
        "mora is None or edad / 0 is not None",
    ],
)
def test_what_rules_are_made_of_is_let_in(text: str) -> None:
    assert checked(Expression(text), NAMES).type == "truth"


def test_texts_are_compared_as_the_schema_spells_them() -> None:
    node = checked(Expression("estado == 'caf\u00e9'"), NAMES)
    assert node.of[1].value == NFD_CAFE
    assert checked(Expression("estado in ['caf\u00e9']"), NAMES).value == (NFD_CAFE,)


def test_the_score_is_known_after_it_only() -> None:
    assert "probability" not in NAMES
    after = variables_of(SCHEMA, "after", points=True)
    assert checked(Expression("probability > 0.5 or points < 500"), after).type == "truth"
    assert "rename the field" in problems("outcome == 'aprobar'", after)[0].message
    other = Schema([Field("a", "number")])
    plain, plain_before = variables_of(other, "after"), variables_of(other, "before")
    assert "did you mean 'aprobar'" in problems("outcome == 'aprovar'", plain)[0].message
    for name in ("probability > 0.5", "outcome == 'aprobar'"):
        assert "after the score only: stage='after'" in problems(name, plain_before)[0].message
    for names in (plain, plain_before):
        assert "points=Points()" in problems("points > 1", names)[0].message


def test_a_long_text_is_shown_around_its_mark() -> None:
    text = "edad > 1 or " * 20 + "edd > 1"
    (problem,) = problems(text)
    first, second = marked(text, problem).split("\n")
    assert first[second.index("^") : second.rindex("^") + 1] == "edd"
    assert len(text) <= LONGEST


_TOKENS = st.sampled_from(
    [
        *(
            "edad",
            "mora",
            "estado",
            "`ingreso mensual`",
            "`",
            "1",
            "'a'",
            '"',
            "'",
            "None",
            "True",
            "__import__",
            "eval",
        ),
        *(
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ".",
            ":",
            "=",
            "==",
            "<",
            "<=",
            "+",
            "-",
            "*",
            "**",
            "/",
            "@",
            "~",
            "&",
        ),
        *(
            " and ",
            " or ",
            " not ",
            " in ",
            " is ",
            " for ",
            " if ",
            " else ",
            "lambda ",
            "await ",
            ":=",
            "\uff41bs",
            "'\t'",
            "#",
            "\n",
            "abs",
            "len",
        ),
        *(
            "__class__",
            "f'",
            "ñ",
            "\u0301",
            "ﬁ",
            "%",
            "//",
            "...",
            "1e999",
            "0x1",
            "1_0",
            "1j",
            "b'a'",
            "yield ",
        ),
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(_TOKENS, max_size=25).map("".join) | st.text(max_size=60))
def test_nothing_else_of_python_gets_in(text: str) -> None:
    found, node = _tried(text)
    assert all(marked(text, problem) for problem in found)
    if node is None:
        assert found
        return
    _of_the_language(node)
    assert not {type(part) for part in ast.walk(Expression(text).tree)} & {
        ast.Attribute,
        ast.Subscript,
        ast.Lambda,
    }


def _tried(text: str) -> tuple[list[ExpressionProblem], Node | None]:
    try:
        return [], checked(Expression(text), NAMES)
    except WrongExpressionError as error:
        return error.problems, None


def _of_the_language(node: Node) -> None:
    known: set[Any] = {"name", "constant", "negative", "and", "or", "not", "is", "is not", "in", "not in"}
    signs = {"+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!="}
    assert node.operation in known | signs | {*FUNCTIONS}
    for part in node.of:
        _of_the_language(part)
