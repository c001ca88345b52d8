"""The server, whose event loop never counts as overloaded: for tests on machines that are busy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from morosidad import Settings, asgi
from serving import NoLoad

if TYPE_CHECKING:
    from starlette.applications import Starlette


def app() -> Starlette:
    """Make the application."""
    made = asgi.app()
    made.state.service.loop_load = NoLoad()
    return made


if __name__ == "__main__":
    import uvicorn

    from morosidad.asgi.runtime.server import options

    uvicorn.run("unloaded:app", factory=True, **options(Settings.load(env=os.environ)))
