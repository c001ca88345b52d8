"""What several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path


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


def add_key(parser: argparse.ArgumentParser) -> None:
    """Take the key of a signed model file."""
    parser.add_argument("--key-file", help="file with the key that the model file was signed with")


def read_key(path: str | None) -> bytes | None:
    """Read a signing key from a file, without the newline at its end."""
    from morosidad.errors import ArtifactError

    if path is None:
        return None
    try:
        return Path(path).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ArtifactError(f"{path}: the key can't be read: {error.strerror}", path) from None
