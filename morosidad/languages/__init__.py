"""What people read, in each language: one catalogue per language, from which every part takes its texts."""

from morosidad.languages.catalogue import (
    LANGUAGES,
    Language,
    Message,
    check_language,
    say,
    separators,
    words,
    write_number,
)

__all__ = ["LANGUAGES", "Language", "Message", "check_language", "say", "separators", "words", "write_number"]
