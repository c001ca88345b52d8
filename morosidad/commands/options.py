"""What several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from morosidad.scorer import Scorer


def add_csv(parser: argparse.ArgumentParser) -> None:
    """Take how a CSV file is written."""
    parser.add_argument("--sep", default=",", help="separator (%(default)s)")
    parser.add_argument("--encoding", default="utf-8", help="encoding (%(default)s)")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Take where a new model goes, its name and its cut-offs."""
    parser.add_argument("-o", "--output", required=True, help="the model file to write")
    parser.add_argument("--name", default="modelo", help="the model's name (%(default)s)")
    parser.add_argument("--model-version", default="1", help="the model's version (%(default)s)")
    parser.add_argument(
        "--review-at", type=float, default=0.2, help="probability that is reviewed (%(default)s)"
    )
    parser.add_argument(
        "--decline-at", type=float, default=0.5, help="probability that is declined (%(default)s)"
    )


def add_opening(parser: argparse.ArgumentParser) -> None:
    """Take what opens a model file."""
    parser.add_argument("--key-file", help="file with the key that the model file was signed with")
    parser.add_argument(
        "--trust",
        default="",
        metavar="TYPES",
        help="types to allow in a model that could not be compiled, separated by commas",
    )


def load_scorer(arguments: argparse.Namespace) -> Scorer:
    """Load the model file that was named, with what opens it."""
    from morosidad.scorer import Scorer

    trusted = [name for name in arguments.trust.split(",") if name]
    return Scorer.load(arguments.model, read_key(arguments.key_file), trusted=trusted)


def read_key(path: str | None) -> bytes | None:
    """Read a signing key from a file, without the newline at its end."""
    from morosidad.errors import ArtifactError

    if path is None:
        return None
    try:
        return Path(path).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ArtifactError(f"{path}: the key can't be read: {error.strerror}", path) from None
