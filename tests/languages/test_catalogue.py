"""The catalogues: every language has every text, with the same placeholders; no text stands outside them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import morosidad
from morosidad.errors import MorosidadError
from morosidad.languages import LANGUAGES, Language, Message, check_language, say, words, write_number
from morosidad.languages.catalogue import in_language
from morosidad.languages.translation import translated

PACKAGE = Path(morosidad.__file__).parent
PARTS = sorted(path.stem for path in (PACKAGE / "languages" / "es").glob("[!_]*.py"))
PERCENT = re.compile(r"%(?:\(\w+\))?[a-z]")


def placeholders(template: str) -> list[tuple[str, str]]:
    """Name the placeholders of a template, each with its format: no word of a language."""
    named = [(name, form or "") for _, name, form, _ in Formatter().parse(template) if name is not None]
    return sorted(named) + sorted((found, "%") for found in PERCENT.findall(template))


def sources() -> dict[Path, str]:
    """Read the code outside the catalogues."""
    paths = [path for path in PACKAGE.rglob("*.py") if "languages" not in path.relative_to(PACKAGE).parts]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def literals(tree: ast.AST) -> list[tuple[int, str]]:
    """Give the texts of a module that are no docstrings, with their lines."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_parts(language: Language) -> None:
    folder = PACKAGE / "languages" / language
    assert sorted(path.stem for path in folder.glob("[!_]*.py")) == PARTS


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_placeholders(language: Language, part: str) -> None:
    spanish, other = words("es", part), words(language, part)
    assert list(other) == list(spanish)
    assert all(other.values())
    for name, template in spanish.items():
        assert placeholders(other[name]) == placeholders(template), name


@pytest.mark.parametrize("part", sorted(set(PARTS) - {"ahorro_valle"}))
@pytest.mark.parametrize("language", ["en", "pt"])
def test_whole_sentences_are_said_otherwise_in_each_language(language: Language, part: str) -> None:
    """A text that was copied and not translated shows: sentences of four words are never alike."""
    same = [
        name
        for name, template in words("es", part).items()
        if len(re.findall(r"\w{2,}", re.sub(r"\{.*?\}", "", template))) > 4
        and words(language, part)[name] == template
        and name != "types_list"  # the same words in Spanish and Portuguese
    ]
    assert same == []


def test_no_text_of_a_catalogue_is_without_use() -> None:
    code = "".join(sources().values()) + "".join(
        path.read_text(encoding="utf-8")
        for ending in ("*.js", "*.html")
        for path in (PACKAGE / "asgi" / "pages").rglob(ending)
    )
    made = re.compile(
        r"_advice$|_text$|^training_|^category_as_|^reason_|^missing_lines?$|^failing_by_|^[A-Z]"
        r"|^calibrated_|^notice_(aprobar|revisar|rechazar|review|correct|again)$"
        r"|^(estable|moderado|fuerte|sin datos)$"
    )
    plural = {
        "line",
        "lines",
        "file",
        "files",
        "byte",
        "bytes",
        "problem",
        "problems",
        "decision",
        "decisions",
    }
    for part in sorted(set(PARTS) - {"ahorro_valle", "errors", "parsing"}):
        unused = [
            name
            for name in words("es", part)
            if not re.search(rf"[\"'._]{re.escape(name)}\b", code)
            and not made.search(name)
            and name not in plural
        ]
        assert unused == [], part


# -- nothing outside ------------------------------------------------------------------------------

SPANISH = re.compile(r"[¿¡«áéíóúñ]|\b(el|la|los|las|una?|del|que|para|con|falta|debe)\b")
NOT_FOR_READERS = {"schema/ahorro_valle.py", "asgi/pages/rendering.py", "training/datasets.py"}
"""The shipped schema's own Spanish words, and the spelling of its categories."""
CODES = {
    "decisiones de otro modelo",
    "categoría nunca vista",  # a made-up value that no schema has
    "deteniéndose",
    "sin información",  # what training data holds in place of a value
}


def logged(tree: ast.AST) -> set[int]:
    """Give the lines of calls of loggers: they are for operators, and in no catalogue."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and "_logger." in ast.unparse(node.func)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def test_no_spanish_sentence_stands_in_the_code() -> None:
    found = []
    for path, text in sources().items():
        name = path.relative_to(PACKAGE).as_posix()
        tree = ast.parse(text)
        if name in NOT_FOR_READERS:
            continue
        lines = logged(tree)
        found += [
            f"{name}:{line}: {literal}"
            for line, literal in literals(tree)
            if line not in lines
            and SPANISH.search(literal)
            and literal not in CODES
            and " " in literal.strip()
        ]
    assert found == []


def test_no_command_prints_a_sentence_of_its_own() -> None:
    found = []
    for path, text in sources().items():
        if path.parent.name not in ("commands", "terminal"):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            shown = list(node.args) if ast.unparse(node.func) == "print" else []
            shown += [word.value for word in node.keywords if word.arg == "help"]
            for argument in shown:
                found += [
                    f"{path.name}:{line}: {literal}"
                    for line, literal in literals(argument)
                    if re.search(r"[a-z]{2,} [a-z]{2,}", literal)
                ]
    assert found == []


@pytest.mark.parametrize("ending", ["*.js", "*.html", "*.css"])
def test_no_page_holds_a_text_of_its_own(ending: str) -> None:
    found = []
    for path in (PACKAGE / "asgi" / "pages").rglob(ending):
        text = re.sub(r"(?m)//.*$|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
        found += [f"{path.name}: {sign}" for sign in re.findall(r".{0,30}[áéíóúñ¿¡].{0,30}", text)]
    assert found == []


# -- looking up -----------------------------------------------------------------------------------


def test_what_is_no_language_is_refused() -> None:
    for wrong in ("fr", "ES", "", None, 1, ["es"]):
        with pytest.raises(ValueError, match="'es', 'en', 'pt'"):
            check_language(wrong)


def test_a_message_is_said_again_in_another_language() -> None:
    import pickle

    reason = Message("es", "alerts.disk_full")
    message = Message("es", "alerts.log_disk_full", reason=reason)
    assert message == say("es", "alerts.log_disk_full", reason="el disco está lleno")
    for one in (message, pickle.loads(pickle.dumps(message))):
        assert in_language(one, "en") == "the decision log can't be written: the disk is full"
        assert type(in_language(one, "pt")) is str
    assert in_language("other", "en") == "other"


@pytest.mark.parametrize("part", ["errors", "reports"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_english_text_is_found_and_said_in_another_language(language: Language, part: str) -> None:
    """Whatever stands in the placeholders; a text that is short may be that of another one too."""
    for name, template in words("en", part).items():
        keys = [key for _, key, form, _ in Formatter().parse(template) if key is not None]
        if any(form for _, _, form, _ in Formatter().parse(template)):
            continue
        values = {key: f"<{key}>" for key in keys}
        if len(re.sub(r"\{.*?\}", "", template)) > 12:
            text = template.format_map(values)
            assert translated(text, language, part) == words(language, part)[name].format_map(values), name


def test_what_is_not_known_stays_as_it_is() -> None:
    assert translated("nothing of the kind", "es", "errors") == "nothing of the kind"
    assert translated("x" * 10_000, "es", "errors") == "x" * 10_000


# -- errors that the command line shows -----------------------------------------------------------

SHOWN = {"commands", "frames", "model_file", "settings", "schema/inference.py", "training/labels.py"}
"""Where the errors come from that a person meets who gives a wrong file, table, key or setting."""
RAISED = {cls.__name__ for cls in MorosidadError.__subclasses__()}


def raised(tree: ast.AST) -> list[str]:
    """Give the messages of exceptions, with ``{}`` for what is put in."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call) or not node.exc.args:
            continue
        if not re.fullmatch(r"InvalidFrame|SettingsError|Artifact\w+", ast.unparse(node.exc.func)):
            continue
        first = node.exc.args[0]
        for message in first.elts if isinstance(first, ast.List) else [first]:
            if isinstance(message, ast.JoinedStr):
                found.append(
                    "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in message.values)
                )
            elif isinstance(message, ast.Constant):
                found.append(str(message.value))
    return found


def test_errors_that_the_command_line_shows_are_in_the_catalogue() -> None:
    missing = []
    for path, text in sources().items():
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] in SHOWN or name in SHOWN:
            for message in raised(ast.parse(text)):
                filled = message.replace("{}", "\u2063")
                if translated(filled, "es", "errors") == filled:
                    missing.append(f"{name}: {message}")
    assert missing == []


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("es", ["37,0\u00a0%", "1\u202f234\u202f567,5", "-0,25", "1,5e-13"]),
        ("en", ["37.0%", "1,234,567.5", "-0.25", "1.5e-13"]),
        ("pt", ["37,0%", "1\u202f234\u202f567,5", "-0,25", "1,5e-13"]),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(language: Language, written: list[str]) -> None:
    figures = [(0.37, ".1%"), (1234567.5, ",.1f"), (-0.25, ".2f"), (1.5e-13, ".1e")]
    assert [write_number(language, value, template) for value, template in figures] == written
    assert say(language, "alerts.cache_misses", rate=0.37).endswith(written[0])
    assert written[0] == f"37{say(language, 'pages.decimal')}0{say(language, 'pages.percent')}"


def test_a_number_that_a_text_does_not_format_and_a_truth_value_stay_as_they_are() -> None:
    assert say("es", "alerts.refusals", number=1234.5).endswith(": 1234.5")
    assert say("es", "alerts.refusals", number=True).endswith(": True")
