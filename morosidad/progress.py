"""The progress bar class: tqdm, in its form for notebooks where bars are shown."""

from __future__ import annotations

from typing import Any


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
