"""Post applications to the server, one by one and in a batch, as the cooperative's app would."""

import json
import sys
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from morosidad import AHORRO_VALLE, make_applicants


class Client:
    """A connection that is kept open between requests."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=10)

    def post(self, path: str, document: Any, request_id: str = "") -> tuple[int, Any]:
        """Send JSON; give the status and what came back."""
        headers = {"Content-Type": "application/json"} | ({"X-Request-ID": request_id} if request_id else {})
        self._connection.request("POST", path, json.dumps(document), headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())


def applications(count: int) -> list[dict[str, Any]]:
    """Make records as a form sends them: whatever was left empty is left out."""
    rows = make_applicants(count, seed=99)[list(AHORRO_VALLE.names)].to_dict("records")
    return [
        {name: value for name, value in row.items() if value == value and value is not None} for row in rows
    ]


def post_applications(address: str, count: int = 200) -> dict[str, int]:
    """Post that many, half of them as one batch, and count the outcomes."""
    client, records = Client(address), applications(count)
    outcomes = {"aprobar": 0, "revisar": 0, "rechazar": 0}
    half = count // 2
    for number, record in enumerate(records[:half]):
        status, decision = client.post("/predecir", {"datos": record}, request_id=f"solicitud-{number}")
        assert (status, decision["request_id"]) == (200, f"solicitud-{number}")
        outcomes[decision["decision"]] += 1
    status, decisions = client.post("/predecir/lote", records[half:])
    assert (status, len(decisions)) == (200, count - half)
    for decision in decisions:
        outcomes[decision["decision"]] += 1
    status, refusal = client.post("/predecir", {"datos": {"edad": 17}})
    assert (status, refusal["codigo"]) == (400, "E002")
    print("rechazo de ejemplo:", "; ".join(f"{e['campo']}: {e['mensaje']}" for e in refusal["errores"]))
    return outcomes


if __name__ == "__main__":
    print(post_applications(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000"))
