"""Command-line options that several commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from morosidad.commands.terminal.parsing import Parser
from morosidad.errors import ArtifactError, SettingsError
from morosidad.processes.paths import is_stream

if TYPE_CHECKING:
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.scorer import Scorer


def add_csv(parser: Parser) -> None:
    """Take how a CSV file is written."""
    parser.add_argument("--sep", help=parser.told("help_sep"))
    parser.add_argument("--encoding", default="utf-8", help=parser.told("help_encoding"))


def add_model(parser: Parser) -> None:
    """Take where a new model goes, its name and its cut-offs."""
    parser.add_argument("-o", "--output", required=True, help=parser.told("help_output"))
    parser.add_argument("--name", default="modelo", help=parser.told("help_name"))
    parser.add_argument("--model-version", default="1", help=parser.told("help_version"))
    parser.add_argument("--review-at", type=float, help=parser.told("help_review_at"))
    parser.add_argument("--decline-at", type=float, help=parser.told("help_decline_at"))
    add_policy(parser)


def add_policy(parser: Parser) -> None:
    """Take the file of a policy."""
    parser.add_argument("--policy", metavar=parser.told("file"), help=parser.told("help_policy"))


def policy_of(arguments: argparse.Namespace) -> Policy:
    """Make the policy of a new model.

    Parameters
    ----------
    arguments : Namespace
        With the options of `add_model`.

    Returns
    -------
    Policy

    Raises
    ------
    SettingsError
        If there are a policy and a cut-off, or one of them is wrong.
    """
    from morosidad.policy.cutoffs import Policy

    cutoffs = {name: getattr(arguments, name) for name in ("review_at", "decline_at")}
    given = {name: value for name, value in cutoffs.items() if value is not None}
    if arguments.policy is None:
        return Policy(**given)
    if given:
        raise SettingsError(["--policy: it holds the cut-offs; --review-at and --decline-at can't be given"])
    return Policy.load(arguments.policy)


def add_positive(parser: Parser) -> None:
    """Take which label means default."""
    parser.add_argument(
        "--positive",
        metavar=parser.told("label"),
        help=parser.told("help_positive"),
    )


def add_opening(parser: Parser) -> None:
    """Take what opens a model file."""
    parser.add_argument("--key-file", help=parser.told("help_key_file"))
    parser.add_argument(
        "--trust",
        default="",
        metavar=parser.told("types"),
        help=parser.told("help_trust"),
    )
    add_pickle(parser, parser.told("help_read_pickle"))


def add_pickle(parser: Parser, what: str) -> None:
    """Take whether a model file may hold a pickle."""
    parser.add_argument("--allow-pickle", action="store_true", help=what)


def load_scorer(arguments: argparse.Namespace, policy: Policy | None = None) -> Scorer:
    """Load the model file that was named, with what opens it.

    Parameters
    ----------
    arguments : Namespace
        With the options of `add_opening`, and ``model``.
    policy : Policy, optional
        In place of the one in the file; by default that of the option ``--policy``, where there is one.

    Returns
    -------
    Scorer
    """
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.scorer import Scorer

    path = getattr(arguments, "policy", None)
    if policy is None and path is not None:
        policy = Policy.load(path)
    trusted = [name for name in arguments.trust.split(",") if name]
    key = read_key(arguments.key_file)
    options = {"trusted": trusted, "allow_pickle": arguments.allow_pickle}
    return Scorer.load(arguments.model, key, policy=policy, **options, language=arguments.language)


def read_key(path: str | None) -> bytes | None:
    """Read a signing key from a file.

    Parameters
    ----------
    path : str or None
        The file.

    Returns
    -------
    bytes or None
        Without the newline at the end of the file.

    Raises
    ------
    ArtifactError
        If it can't be read.
    """
    if path is None:
        return None
    try:
        return Path(path).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ArtifactError(f"{path}: the key can't be read: {error.strerror}", path) from None


def check_output(output: str, *others: str | None) -> None:
    """Say before the work, not after it, that a file has nowhere to go or would take another's place.

    Raises
    ------
    SettingsError
        When it is a folder, when its folder is not there, or when it is one of the others.
    """
    path = Path(output)
    special = is_stream(path)  # as /dev/null, which may stand for several
    if path.is_dir():
        why = "this is a folder"
    elif not path.parent.is_dir():
        why = "there is no such folder"
    elif not special and os.path.realpath(path) in {os.path.realpath(other) for other in others if other}:
        why = "the command reads or writes another thing there"
    else:
        return
    raise SettingsError([f"{output}: can't be written: {why}"])
