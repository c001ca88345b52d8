"""Names that platforms put into an environment for their services, which are no settings.

For a service that is called ``morosidad-server`` Kubernetes sets ``MOROSIDAD_SERVER_SERVICE_HOST``,
``MOROSIDAD_SERVER_PORT=tcp://10.0.0.1:5000`` and more in every container of its namespace; links of
Docker and Podman do the same. Name and value are judged together: ``SERVER_PORT=5000`` is a setting.
"""

from __future__ import annotations

import re

_ADDRESS = r"(tcp|udp|sctp)://\S+:\d{1,5}"
_HOST = r"[\w.:\-\[\]]+"
_PORT = r"\d{1,5}"
_SHAPES = [
    (re.compile(name), re.compile(value))
    for name, value in (
        (r".*_SERVICE_HOST", _HOST),
        (r".*_SERVICE_PORT(_\w+)?", _PORT),
        (r".*_PORT", _ADDRESS),
        (r".*_PORT_\d+_(TCP|UDP|SCTP)", _ADDRESS),
        (r".*_PORT_\d+_(TCP|UDP|SCTP)_PROTO", r"tcp|udp|sctp"),
        (r".*_PORT_\d+_(TCP|UDP|SCTP)_PORT", _PORT),
        (r".*_PORT_\d+_(TCP|UDP|SCTP)_ADDR", _HOST),
        (r".*_NAME", r"/\S+/\S+"),
    )
]


def set_by_platform(name: str, value: object) -> bool:
    """Tell whether a platform set this name, in capitals, for the discovery of a service."""
    return isinstance(value, str) and any(
        of_name.fullmatch(name) and of_value.fullmatch(value) for of_name, of_value in _SHAPES
    )
