"""Verification of the hash chain: lines altered, removed, moved or added, across the files of a log."""

from __future__ import annotations

import bisect
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from morosidad.audit.chain.compression import read_lines
from morosidad.audit.chain.hashing import GENESIS, MAX_LINE, ChainedLine, ChainPosition, parse_line
from morosidad.audit.chain.paths import head_path, is_numbered, log_files, read_head
from morosidad.audit.chain.stubs import read_stub, stub_path
from morosidad.audit.erasure.key_file import DESTROYED
from morosidad.audit.erasure.sealing import KeyRing
from morosidad.audit.lines import EventLine, key_name
from morosidad.languages import Language, check_language, say
from morosidad.processes.paths import absolute

SHOWN = 100


class ChainProblem(msgspec.Struct, frozen=True):
    """One place where a log is not as it was written.

    Attributes
    ----------
    file : str
        The file.
    line : int
        The line in it, from 1 up; for missing lines, the one in front of which they stood.
    kind : str
        ``alterada``, ``faltan``, ``movida``, ``repetida`` or ``ajena`` (a line of another chain).
    message : str
        What is wrong, in words.
    """

    file: str = msgspec.field(name="archivo")
    line: int = msgspec.field(name="linea")
    kind: str = msgspec.field(name="tipo")
    message: str = msgspec.field(name="mensaje")


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found.

    Attributes
    ----------
    files : list of str
        The files read, oldest first.
    lines, decisions : int
        Lines in them, and how many are decisions.
    lost : int
        Decisions that the log itself declares as not logged.
    forgotten : int
        Decisions whose values can't be read any more: their keys are destroyed, or gone.
    removed : int
        Lines that were taken away by retention or archived; a signed stub stands for them.
    torn : int
        Bytes of a last line that is not complete: a crash cut it, or it is being written. It is
        no problem: it was never acknowledged, and the next process that writes cuts it off.
    last, digest : str
        Id and digest of the last sound line.
    problem_count : int
        All places where something is wrong.
    problems : list of ChainProblem
        The first hundred of them.
    """

    files: list[str] = msgspec.field(name="archivos")
    lines: int = msgspec.field(name="lineas")
    decisions: int = msgspec.field(name="decisiones")
    lost: int = msgspec.field(name="perdidas")
    forgotten: int = msgspec.field(name="olvidadas", default=0)
    removed: int = msgspec.field(name="quitadas")
    torn: int = msgspec.field(name="bytes_cortados")
    last: str = msgspec.field(name="ultima")
    digest: str = msgspec.field(name="huella")
    problem_count: int = msgspec.field(name="cantidad_problemas")
    problems: list[ChainProblem] = msgspec.field(name="problemas")

    @property
    def ok(self) -> bool:
        """Whether every line stands as it was written, and none is missing."""
        return not self.problem_count

    def __str__(self) -> str:
        return self.told("es")

    def told(self, language: Language) -> str:
        """Give the report in words.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language; that of the problems is the one that `verify` was given.

        Returns
        -------
        str
        """

        def count(number: int, one: str) -> str:
            return say(language, f"reports.{one if number == 1 else one + 's'}", number=number)

        state = say(language, "reports.sound" if self.ok else "reports.altered")
        counts = {
            "lines": count(self.lines, "line"),
            "files": count(len(self.files), "file"),
            "decisions": count(self.decisions, "decision"),
        }
        text = [say(language, "reports.summary", state=state, lost=self.lost, **counts)]
        strange = self.lines > 0 and not self.last
        if strange:
            text.append(say(language, "reports.strange"))
        if self.forgotten:
            text.append(say(language, "reports.forgotten", decisions=count(self.forgotten, "decision")))
        if self.removed:
            text.append(say(language, "reports.removed", lines=count(self.removed, "line")))
        if self.torn:
            text.append(say(language, "reports.torn", bytes=count(self.torn, "byte")))
        shown = self.problems[:1] if strange else self.problems
        text += [f"{p.file}:{p.line}: {p.message}" for p in shown]
        if self.problem_count > len(shown):
            more = count(self.problem_count - len(shown), "problem")
            text.append(say(language, "reports.more", problems=more))
        last = self.last or say(language, "reports.no_line")
        text.append(say(language, "reports.last_line", last=last, digest=self.digest))
        return "\n".join(text)


def verify(
    path: str | os.PathLike[str],
    *,
    key: str | bytes | None = None,
    anchor: str | Iterable[str] | None = None,
    keys: str | os.PathLike[str] | None = None,
    language: Language = "es",
) -> ChainReport:
    """Check that a log stands as it was written: no line altered, removed, moved or added.

    Lines cut off at the end are found by the file ``.head`` beside the log, which remembers the last line
    and must be there. With a `key` nobody without it can alter a line or that file unseen, but can put an
    earlier state of both back. Only an `anchor` that was noted down elsewhere shows that.

    Parameters
    ----------
    path : path
        The log, which is read from its oldest file on; or one of its numbered files alone.
    key : str or bytes, optional
        The key that the log was written with.
    anchor : str or iterable of str, optional
        Digests of lines, noted down earlier, which must be there.
    keys : path, optional
        The file with the keys of values that may be erased; by default the one beside the log.
    language : {'es', 'en', 'pt'}, default='es'
        Of what is said of each problem.

    Returns
    -------
    ChainReport

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """
    base, ring = absolute(path), KeyRing(None if keys is None else absolute(keys))
    secret = (key.encode() if isinstance(key, str) else key) or None
    anchors = [] if anchor is None else [anchor] if isinstance(anchor, str) else list(anchor)
    while True:
        files = log_files(base)
        report = _ChainChecker(base, secret, anchors, ring, language).report(files)
        if report.ok or log_files(base) == files:  # else the log was rotated in the meantime
            return report


def digests_in(path: str | os.PathLike[str], digests: Collection[str]) -> set[str]:
    """Find which digests stand at the end of a line of a log, sound or not.

    Parameters
    ----------
    path : path
        The log.
    digests : collection of str
        The digests to look for.

    Returns
    -------
    set of str
    """
    if not digests:
        return set()
    wanted = {digest.encode() for digest in digests}
    lines = (line for file in log_files(Path(path)) for line in read_lines(file))
    return {found.decode() for line in lines if (found := line[-len(GENESIS) - 3 : -3]) in wanted}


class _Gap(NamedTuple):
    first: int
    last: int
    place: tuple[str, int]


class _ChainChecker:
    """Goes along the lines and keeps in mind what must come next."""

    def __init__(
        self, base: Path, key: bytes | None, anchors: list[str], ring: KeyRing, language: Language
    ) -> None:
        self._base = base
        self._key = key
        self._language: Language = check_language(language)
        self._anchors = set(anchors)
        whole = not is_numbered(base)
        stub = read_stub(base) if whole else None
        self._false_stub = whole and stub_path(base).exists() and not (stub and stub.fits(key))
        self._whole = whole
        found = read_head(base) if whole else None
        self._false_head = found is not None and not found.fits(key)
        self._head = None if found is None or self._false_head else found.position
        self._open_file = base if whole else None
        self._expected = 1 if whole else 0  # the next line's number; 0: any
        self._previous = GENESIS  # its predecessor's digest
        self._broken = 0  # lines since the last sound one that may stand for lines of ours
        self._chain = ""
        self._last = ChainPosition("", 0, GENESIS)
        self._removed = 0 if stub is None or self._false_stub else stub.lines
        if stub is not None and self._removed:  # the chain goes on behind what was taken away
            self._chain, self._expected, self._previous = stub.chain, stub.lines + 1, stub.digest
        self._place = ("", 0)
        self._missing: list[_Gap] = []  # in order
        self._problems: list[ChainProblem] = []
        self._problem_count = 0
        self._lines = self._decisions = self._lost = self._torn = 0
        self._events = msgspec.json.Decoder(EventLine)
        self._forgotten, self._ring = 0, ring

    def report(self, files: list[Path]) -> ChainReport:
        for path in files:
            for number, line in enumerate(read_lines(path), 1):
                self._place = (str(path), number)
                if path == self._open_file and not line.endswith(b"\n") and len(line) < MAX_LINE:
                    self._torn = len(line)
                else:
                    self._lines += 1
                    self._check(parse_line(line, self._key))
        self._finish()
        return ChainReport(
            files=[str(path) for path in files],
            lines=self._lines,
            decisions=self._decisions,
            lost=self._lost,
            forgotten=self._forgotten,
            removed=self._removed,
            torn=self._torn,
            last=self._last.id if self._last.chain else "",
            digest=self._last.digest,
            problem_count=self._problem_count,
            problems=self._problems,
        )

    def _check(self, line: ChainedLine | None) -> None:
        if line is None or not line.sound:
            self._check_broken(line)
            return
        self._count(line)
        position = line.position
        if position.chain != self._chain and self._chain:
            self._problem("ajena", "other_chain")
            self._report_missing()
            self._advance(position)
        elif position.number < self._expected:
            self._check_repeated(position.number)
        else:
            if position.number == self._expected and line.previous != self._previous:
                self._problem("alterada", "wrong_previous")
            elif self._expected and position.number > self._expected + self._broken:
                self._missing.append(_Gap(self._expected + self._broken, position.number - 1, self._place))
            self._advance(position)

    def _check_broken(self, line: ChainedLine | None) -> None:
        """Check an altered or foreign line: the next ones show which of the two it is."""
        self._problem("alterada", "wrong_digest")
        if line is not None and line.position.number == self._expected and not self._broken:
            self._expected, self._previous = self._expected + 1, line.position.digest
        else:
            self._broken += 1

    def _advance(self, position: ChainPosition) -> None:
        if self._head and position[:2] == self._head[:2] and position.digest != self._head.digest:
            self._problem("alterada", "not_as_written")
        self._anchors.discard(position.digest)
        self._chain, self._last = position.chain, position
        self._expected, self._previous, self._broken = position.number + 1, position.digest, 0

    def _check_repeated(self, number: int) -> None:
        """Check a line with an earlier number: it was moved if it was missing, and copied otherwise."""
        index = bisect.bisect_right(self._missing, number, key=lambda gap: gap.first) - 1
        gap = self._missing[index] if index >= 0 else None
        if gap is None or number > gap.last:
            self._problem("repetida", "repeated", number=number)
            return
        parts = [gap._replace(last=number - 1), gap._replace(first=number + 1)]
        self._missing[index : index + 1] = [part for part in parts if part.first <= part.last]
        self._problem("movida", "moved", number=number)

    def _count(self, line: ChainedLine) -> None:
        if line.body.startswith(b'{"tipo":"decision"'):
            self._decisions += 1
            name = key_name(line.body)
            if name is not None and self._ring.key(self._base, name.hex()) in (None, DESTROYED):
                self._forgotten += 1
        else:
            try:
                event = self._events.decode(line.body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            if event.event == "perdidas":
                self._lost += event.amount
            elif event.event == "sin_cabeza":
                self._problem("faltan", "no_head")

    def _finish(self) -> None:
        head = self._head
        if self._false_stub:
            self._problem("alterada", "false_stub", (str(stub_path(self._base)), 1))
        if self._false_head and self._last.chain:  # else the key is another one
            self._problem("alterada", "false_head", (str(head_path(self._base)), 1))
        elif self._whole and head is None and self._lines and not self._false_head:
            self._problem("faltan", "no_head", (str(head_path(self._base)), 1))
        if head is not None and self._chain and head.chain != self._chain:
            self._problem("ajena", "other_log")
        elif head is not None and head.number >= self._expected + self._broken:
            behind = (self._place[0], self._place[1] + 1)
            self._missing.append(_Gap(self._expected + self._broken, head.number, behind))
        self._report_missing()
        for _ in self._anchors:
            self._problem("faltan", "no_anchor")

    def _report_missing(self) -> None:
        for first, last, place in self._missing:
            text = "missing_line" if first == last else "missing_lines"
            self._problem("faltan", text, place, first=first, last=last)
        self._missing.clear()

    def _problem(self, kind: str, text: str, place: tuple[str, int] | None = None, **values: object) -> None:
        self._problem_count += 1
        if len(self._problems) < SHOWN:
            message = say(self._language, f"reports.{text}", **values)
            self._problems.append(ChainProblem(*(place or self._place), kind, message))
