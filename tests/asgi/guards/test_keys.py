from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from morosidad import Settings
from morosidad.asgi.guards.keys import SCOPES, Keyring, make_key


def test_a_made_key_is_found_again_and_is_nowhere_in_its_line():
    key, line = make_key("banco", ["score", "metrics"])
    found = Keyring([line]).find(key.encode())
    assert found is not None
    assert (found.name, found.scopes) == ("banco", {"score", "metrics"})
    assert key not in line
    assert Settings(server_api_keys=(line,)).server_api_keys == (line,)


def test_keys_are_random():
    assert len({make_key("a", SCOPES)[0] for _ in range(50)}) == 50
    assert all(len(make_key("a", SCOPES)[0]) >= 43 for _ in range(5))


def test_several_keys_may_have_one_name_so_that_one_can_follow_another():
    old, new = make_key("banco", ["score"]), make_key("banco", ["admin"])
    ring = Keyring([old[1], new[1]])
    assert ring.find(old[0].encode()).scopes == {"score"}
    assert ring.find(new[0].encode()).scopes == {"admin"}


@given(st.binary(max_size=80))
def test_nothing_else_is_a_key(given):
    assert Keyring([make_key("banco", ["score"])[1]]).find(given) is None


def test_an_empty_ring_is_false_and_finds_nothing():
    assert not Keyring()
    assert Keyring().find(b"x") is None


def test_every_key_is_compared_whole_whichever_matches(monkeypatch):
    compared = []

    def compare(a, b):
        compared.append((a, b))
        return a == b

    made = [make_key(name, ["score"]) for name in "abc"]
    ring = Keyring([line for _, line in made])
    monkeypatch.setattr(hmac, "compare_digest", compare)
    for key, _ in made:
        assert ring.find(key.encode()) is not None
    assert len(compared) == 9
