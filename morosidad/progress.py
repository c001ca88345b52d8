"""Progress bars, where they are wanted."""

from __future__ import annotations

from typing import Any


def tqdm_for(shown: bool) -> Any:
    """Give tqdm's class; the one for notebooks, which warns where it lacks its widgets, only to be seen."""
    if shown:
        from tqdm.auto import tqdm as with_widgets

        return with_widgets
    from tqdm import tqdm

    return tqdm
