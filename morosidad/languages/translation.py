"""English texts said in another language: errors are made for developers, and the command line shows them.

What stands in an exception is English. Where a person reads it who did not write the program, it is found
among the English templates of a part, and said anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from string import Formatter

from morosidad.languages.catalogue import Language, words

_LONGEST = 5000


def translated(text: str, language: Language, *parts: str) -> str:
    """Say an English text in another language.

    Parameters
    ----------
    text : str
        In English, made from a template of one of the parts; what fills its placeholders may be too.
    language : {'es', 'en', 'pt'}
        The language.
    *parts : str
        The parts to look in.

    Returns
    -------
    str
        The text itself where no template fits.
    """
    if language == "en" or len(text) > _LONGEST:
        return text
    for part in parts:
        for name, pattern in _patterns(part):
            if found := pattern.fullmatch(text):
                held = {key: translated(value, language, *parts) for key, value in found.groupdict().items()}
                return _filled(words(language, part)[name], held)
    return text


def _filled(template: str, held: dict[str, str]) -> str:
    """Fill a template with texts, which are numbers no more: formats are done already."""
    pieces = [
        literal + ("" if key is None else held[key]) for literal, key, _, _ in Formatter().parse(template)
    ]
    return "".join(pieces)


@cache
def _patterns(part: str) -> Sequence[tuple[str, re.Pattern[str]]]:
    """Give a pattern for each English template of a part, those with the most words of their own first."""
    found = []
    for name, template in words("en", part).items():
        pattern, own, seen = "", 0, set[str]()
        for literal, key, _, _ in Formatter().parse(template):
            own += len(literal)
            pattern += re.escape(literal)
            if key is not None:
                pattern += f"(?P={key})" if key in seen else f"(?P<{key}>.*?)"
                seen.add(key)
        if own > 2:
            found.append((own, name, re.compile(pattern, re.DOTALL)))
    found.sort(key=lambda one: -one[0])
    return [(name, pattern) for _, name, pattern in found]
