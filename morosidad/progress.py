"""The progress bar class: tqdm, in its form for notebooks where bars are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")


def tqdm_for(shown: bool) -> Any:
    """Return tqdm's class.

    Parameters
    ----------
    shown : bool
        Whether the bar is shown; only then the class for notebooks is imported, which warns where its
        widgets are missing.

    Returns
    -------
    type
        The class.
    """
    if shown:
        from tqdm.auto import tqdm as with_widgets

        return with_widgets
    from tqdm import tqdm

    return tqdm


def watched(items: Iterable[Item], shown: bool, text: str | None = None) -> Iterable[Item]:
    """Give items one by one under a progress bar, where one is shown.

    Parameters
    ----------
    items : iterable
        The items; with a length, the bar says how many are left.
    shown : bool
        Whether the bar is shown.
    text : str, optional
        What stands before the bar.

    Returns
    -------
    iterable
        `items` themselves where no bar is shown.
    """
    if not shown:
        return items
    found: Iterable[Item] = tqdm_for(True)(items, desc=text)
    return found
