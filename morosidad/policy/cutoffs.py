"""The lender's policy: the cut-offs between approval, review and decline, and rules beside them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import SettingsError
from morosidad.policy.choices import ChosenCutoffs, CutoffChoice
from morosidad.policy.decision import DecisionOutcome
from morosidad.processes.paths import open_to_write

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from morosidad.policy.codes import ReasonCode
    from morosidad.policy.points import Points
    from morosidad.policy.rules.rule import Rule
else:
    Points = ReasonCode = Rule = Any  # loaded where a policy has any


class Policy(CutoffChoice, msgspec.Struct, frozen=True):
    """The lender's cut-offs and rules.

    The outcome is the strictest of what the cut-offs say and of what each rule that fires says
    (``rechazar``, then ``revisar``, then ``aprobar``), unless a rule says ``final=True``.

    Parameters
    ----------
    review_at, decline_at : float, optional
        Probabilities of default from which an analyst looks at the application, and from which it
        is declined; 0 ≤ review_at ≤ decline_at ≤ 1.
    max_reasons : int, default=4
        At most so many reasons; 0 skips the work.
    version : str, default='1'
        Goes into the model file and into every line of the decision log.
    show_values : bool, default=False
        Whether a reason says the applicant's value. Without it, no reason holds one.
    rules : sequence of Rule, optional
        In the order in which they are asked. Each that fires gives a reason, before those of the model.
    score_always : bool, default=False
        Whether the model is asked about applicants whom a rule of the stage ``before`` declines.
    points : Points, optional
        The scale on which decisions have points.
    chosen : ChosenCutoffs, optional
        How the cut-offs were chosen, where they were: no part of the digest, for it decides nothing.
    codes : mapping of str to str, or sequence of ReasonCode, optional
        The lender's reason codes, of each field or as a catalogue.
    allowed : sequence of str, or ``'codes'``, optional
        The codes of all that may be said of the model's reasons; a field without a code is called by its
        name. ``'codes'``: what `codes` hold, and nothing else.

    Raises
    ------
    SettingsError
        Naming everything that is wrong.
    RuleError
        If what is given as rules is something else, or two have one code.
    """

    review_at: float = 0.2
    decline_at: float = 0.5
    max_reasons: int = 4
    version: str = "1"
    show_values: bool = False
    rules: tuple[Rule, ...] = ()
    score_always: bool = False
    points: Points | None = None
    chosen: ChosenCutoffs | None = None
    codes: tuple[ReasonCode, ...] = ()
    allowed: tuple[str, ...] | Literal["codes"] | None = None

    def __post_init__(self) -> None:
        problems = []
        review_at, decline_at, most = self.review_at, self.decline_at, self.max_reasons
        if not (isinstance(review_at, Real) and isinstance(decline_at, Real)):
            problems.append("review_at and decline_at: numbers were expected")
        elif not 0 <= review_at <= decline_at <= 1:
            problems.append("review_at and decline_at: 0 <= review_at <= decline_at <= 1 was expected")
        if not isinstance(most, Integral) or most < 0:
            problems.append("max_reasons: a whole number, 0 or more, was expected")
        if not isinstance(self.show_values, bool):
            problems.append("show_values: True or False was expected")
        if not isinstance(self.score_always, bool):
            problems.append("score_always: True or False was expected")
        found = self.chosen
        if found is not None and (found.review_at, found.decline_at) != (review_at, decline_at):
            problems.append("chosen: it tells of other cut-offs; leave it out (chosen=None) for these")
        if problems:
            raise SettingsError(problems)
        force_setattr(self, "review_at", float(self.review_at))  # 0 and 0.0 are one policy, with one digest
        force_setattr(self, "decline_at", float(self.decline_at))
        force_setattr(self, "max_reasons", int(self.max_reasons))
        force_setattr(self, "rules", _rules_of(self.rules))
        if self.points is not None:
            from morosidad.policy.points import as_points

            force_setattr(self, "points", as_points(self.points))
        force_setattr(self, "codes", _codes_of(self.codes))
        force_setattr(self, "allowed", _allowed(self.allowed))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy from a file.

        Parameters
        ----------
        path : path-like
            JSON, or YAML where it ends in ``.yaml`` or ``.yml``: the parameters by name, rules as objects.

        Returns
        -------
        Policy

        Raises
        ------
        SettingsError
            If there is no such file, or it holds something else.
        RuleError
            With everything that is wrong with its rules.
        MissingExtra
            If PyYAML is needed and not installed.
        """
        from morosidad.policy.policy_file import read_parameters

        given, known = read_parameters(path), cls.__struct_fields__
        if unknown := [str(key) for key in given if key not in known]:
            wrong = f"no such parameters: {', '.join(unknown[:20])}; there are {', '.join(known)}"
            raise SettingsError([f"{os.path.basename(path)}: {wrong}"])
        rules, codes = _rules_of(given.get("rules", ())), _codes_of(given.get("codes", ()))
        try:
            return msgspec.convert({**given, "rules": rules, "codes": codes}, cls)
        except msgspec.ValidationError as error:
            raise SettingsError([f"{os.path.basename(path)}: {error}"]) from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the policy to a file of JSON that `load` reads.

        Parameters
        ----------
        path : path-like
            Replaced if it is there.
        """
        with open_to_write(path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(self.to_dict()), indent=2) + b"\n")

    def to_dict(self) -> dict[str, Any]:
        """Give the policy as plain data, for a model file.

        Returns
        -------
        dict
            Without what earlier versions knew nothing of where that says nothing: the digest stays.
        """
        data: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("show_values", "rules", "score_always", "points", "chosen", "codes"):
            if not data[name]:
                del data[name]
        if self.allowed is None:
            del data["allowed"]
        return data

    @property
    def digest(self) -> str:
        """BLAKE2b-128 of what the policy decides by, in hexadecimal."""
        decides = {name: value for name, value in self.to_dict().items() if name != "chosen"}
        content = msgspec.json.encode(decides, order="sorted")
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    @property
    def identity(self) -> str:
        """The version and the digest: what decisions and the log name."""
        return f"{self.version}@{self.digest}"

    def outcome(self, probability: float) -> DecisionOutcome:
        """Give the outcome for a probability of default.

        Parameters
        ----------
        probability : float
            From 0 to 1.

        Returns
        -------
        {'aprobar', 'revisar', 'rechazar'}
        """
        if probability >= self.decline_at:
            return "rechazar"
        return "revisar" if probability >= self.review_at else "aprobar"

    def outcome_codes(self, probabilities: NDArray[np.float64]) -> NDArray[np.int8]:
        """Give the outcomes for many probabilities of default.

        Parameters
        ----------
        probabilities : ndarray of float64, shape (n,)
            From 0 to 1; NaN is in the lowest band.

        Returns
        -------
        ndarray of int8, shape (n,)
            The place of each outcome in `OUTCOMES`: 0 is approved, 1 reviewed, 2 declined.
        """
        reached = (probabilities >= self.review_at) * 1 + (probabilities >= self.decline_at)
        codes: NDArray[np.int8] = reached.astype("int8")
        return codes


def _rules_of(given: Any) -> tuple[Rule, ...]:
    if isinstance(given, tuple) and not given:
        return ()
    from morosidad.policy.rules.rule import as_rules

    return as_rules(given)


def _codes_of(given: Any) -> tuple[ReasonCode, ...]:
    if not given and isinstance(given, tuple | dict | list):
        return ()
    from morosidad.policy.codes import as_catalogue

    return as_catalogue(given)


def _allowed(given: Any) -> Any:
    if given is None or given == "codes":
        return given
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise SettingsError(["allowed: 'codes', or codes of reasons were expected"])
    found = tuple(given)
    if not all(isinstance(code, str) for code in found):
        raise SettingsError(["allowed: codes of reasons are texts"])
    return found
