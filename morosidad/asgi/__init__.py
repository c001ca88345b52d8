"""The optional ASGI server: a scorer behind HTTP and WebSockets.

Data flows one way through its packages: `problems` (error documents) < `guards` (access, keys, rate limits,
bodies, event-loop load) < `runtime` (background threads, worker processes, alerts, reloads, uvicorn) <
`adjusting` (settings that change while the server runs) < `service` (the served scorer and its parts) <
`endpoints` (HTTP, the direct path, WebSockets) < `pages` (the form and the dashboard) < `openapi` < `routes`
(the route table) < `application`.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from morosidad.errors import MissingExtra

try:
    from morosidad.asgi.application import create_app
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] != "starlette":
        raise
    raise MissingExtra("the server", "server") from None

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from morosidad.scoring.scorer import Scorer
    from morosidad.settings import Settings

__all__ = ["app", "create_app", "load_scorer"]


_TURN = 0.0001
"""Seconds until a thread that writes or measures gives way to the event loop of a server process."""


_COLLECTIONS = (5_000, 10, 10)
"""When garbage is looked for: a decision makes hundreds of objects and no cycle."""


def app() -> Starlette:
    """Make the application from the settings: a factory, as in ``uvicorn --factory morosidad.asgi:app``.

    The environment, ``.env`` and the JSON file that ``MOROSIDAD_SETTINGS_FILE`` names are read here.

    Raises
    ------
    SettingsError
        With every wrong setting.
    ArtifactError
        When the model file can't be used.
    """
    from morosidad.settings import Settings

    sys.setswitchinterval(_TURN)
    settings = Settings.load()
    application = create_app(load_scorer(settings), settings, reread=Settings.load)
    gc.collect()
    gc.freeze()  # what lives as long as the process is never looked through again
    gc.set_threshold(*_COLLECTIONS)
    return application


def load_scorer(settings: Settings) -> Scorer:
    """Load the model that the settings name, or the shipped one.

    Raises
    ------
    ArtifactError
        When the model file can't be used.
    SettingsError, RuleError
        When the policy file can't.
    """
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.scorer import Scorer

    policy = None if settings.server_policy is None else Policy.load(settings.server_policy)
    if settings.server_model is None:
        return Scorer.default(policy=policy)
    key = settings.server_model_key
    return Scorer.load(
        settings.server_model,
        None if key is None else key.encode(),
        policy=policy,
        trusted=settings.server_model_trusted,
        allow_pickle=settings.server_model_allow_pickle,
    )
