"""Runs the matrix of tests/conformance, and writes what compiles, to docs/reference and README."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "coverage.md"
README = ROOT / "README.md"
COUNTS = re.compile(r"(?<=<!-- counts -->\n).*?(?=<!-- end of counts -->)", re.DOTALL)
sys.path.insert(0, str(ROOT / "tests"))

from conformance.cases import all_cases, selected  # noqa: E402 - it lies among the tests
from conformance.running import FAILURES, ROWS, ROWS_LONG, Result, run_cases  # noqa: E402

PATH = re.compile(r"\S*/model\.morosidad: ")
SLOW = "the model is slow"  # to one machine, and not to another

OUTCOMES = ("compiled", "falls back", "refused", *FAILURES)

INTRODUCTION = """# What compiles, what does not, and why

Every line is a case of `tests/conformance`: a fitted pipeline, and rows of its own reference. The
pipeline is asked about each row alone, and `score_one`, `score_many`, `score_frame`, `predict` and the
saved file, loaded in another process, must answer the same: within 1e-12, within 1e-9 behind an
isotonic calibration, whose steep steps magnify the last bit of a sum, or within 1e-6 where the original
itself reckons in 32 bits, with no label differing.

- **compiled**: a function of one record answers.
- **falls back**: the pipeline itself answers, and the plan says why.
- **refused**: making the scorer ends with an error that says why.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, and write the page where all of a kind were run; 1 where a case fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="all cases, and more rows of each")
    parser.add_argument("--only", default="", help="cases whose name holds this; then nothing is written")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    cases = [case for case in selected(long=options.long) if options.only in case.name]
    rows = ROWS_LONG if options.long else ROWS
    results = run_cases(cases, rows=rows, workers=options.workers, trial=options.long, told=_tell)
    print("\n".join(_counts(results)))
    if not options.only:
        write(results, long=options.long)
    return int(any(result.outcome in FAILURES for result in results))


def write(results: Sequence[Result], *, long: bool) -> None:
    """Write the page, and the counts that README shows."""
    PAGE.write_text("\n".join(page(results, made_of(long=long))), encoding="utf-8")
    counts = "\n".join(_counts(results)) + "\n"
    README.write_text(COUNTS.sub(lambda _: counts, README.read_text(encoding="utf-8")), encoding="utf-8")


def made_of(*, long: bool) -> str:
    """Say which cases were run."""
    tried, known = len(selected(long=long)), len(all_cases())
    command = "python scripts/make_coverage.py" + (" --long" if long else "")
    which = "all" if long else "the first of each estimator and kind, and what must be refused"
    return f"It is made of {tried} of {known} cases ({which}). `{command}` writes it."


def _tell(result: Result) -> None:
    if result.outcome in FAILURES:
        print(f"{result.outcome:<10} {result.case}: {'; '.join([result.why, *result.details])}", flush=True)


def page(results: Sequence[Result], cases: str) -> Iterator[str]:
    """Give the lines of the page."""
    yield INTRODUCTION
    yield f"{cases}\n"
    yield "## Counts\n"
    yield from _counts(results)
    for group in dict.fromkeys(result.group for result in results):
        yield f"\n## {group[0].upper()}{group[1:]}\n"
        yield "| estimator | settings | outcome | why |"
        yield "|---|---|---|---|"
        yield from (_line(result) for result in results if result.group == group)
    yield ""


def _counts(results: Sequence[Result]) -> Iterator[str]:
    shown = [name for name in OUTCOMES if any(result.outcome == name for result in results)]
    yield f"| group | cases | {' | '.join(shown)} |"
    yield "|---|" + "---:|" * (len(shown) + 1)
    for group in (*dict.fromkeys(result.group for result in results), None):
        some = [result for result in results if group in (None, result.group)]
        counts = Counter(result.outcome for result in some)
        cells = " | ".join(str(counts[name]) for name in shown)
        yield f"| {group or '**all**'} | {sum(counts[name] for name in shown)} | {cells} |"


def _line(result: Result) -> str:
    settings = (
        result.case.removeprefix(f"{result.group}/{result.subject}").removeprefix("(").removesuffix(")")
    )
    failed = result.outcome in FAILURES
    said = [note for note in result.why.split("; ") if not note.startswith(SLOW)]
    why = "; ".join([*said, *(result.details if failed else _not_saved(result))])
    return f"| {_cell(result.subject)} | {_cell(settings)} | {result.outcome} | {_cell(why)} |"


def _not_saved(result: Result) -> list[str]:
    return [PATH.sub("", detail) for detail in result.details if detail.startswith("not saved")]


def _cell(text: str) -> str:
    short = " ".join(text.split())
    short = short if len(short) <= 240 else f"{short[:237]}..."
    return short.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").strip("; ")


if __name__ == "__main__":
    sys.exit(main())
