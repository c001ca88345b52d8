"""RedisTier: keys, values, lives and codecs."""

from __future__ import annotations

import builtins
import math
import threading
from typing import Any

import msgspec
import pytest

from helpers.redis_server import ANA, EVA, Answer, Server, names
from morosidad.cache import RedisTier
from morosidad.cache.redis import namespace_of, pack_key
from morosidad.errors import MissingExtra
from support import LONG

redis = pytest.importorskip("redis")


class TestPlainKeys:
    def test_unequal_keys_never_look_alike(self) -> None:
        alike = [(1,), (1.0,), (True,), ("1",), (b"1",), ((1,),), ("1", None), ("1None",), (None,), ()]
        assert len({pack_key(key) for key in alike}) == len(alike)

    @pytest.mark.parametrize("key", [(1, frozenset()), object(), ("m", (1j,))])
    def test_what_is_not_plain_is_refused_by_type(self, key: Any) -> None:
        with pytest.raises(TypeError, match=r"frozenset|object|complex"):
            pack_key(key)

    def test_a_key_belongs_to_its_model(self) -> None:
        assert namespace_of(ANA) == "modelo@1"
        assert namespace_of((b"\x01\xff", ())) == "01ff"
        assert namespace_of("a") == namespace_of(()) == namespace_of((1,)) == "-"


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "redis":
            raise ModuleNotFoundError(name)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra) as caught:
        RedisTier.from_url("redis://127.0.0.1:1/0")
    assert caught.value.extra == "redis"


@pytest.mark.redis
class TestStoring:
    def test_a_value_comes_back_as_its_type_with_the_life_it_has_left(self, tier: RedisTier[Any]) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        found = tier.get(ANA)
        assert found is not None
        value, left = found
        assert value == Answer(0.25, "revisar")
        assert 0 < left <= 60
        assert tier.get(EVA) is None

    def test_redis_keeps_the_time(self, tier: RedisTier[Any], client: Any) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        tier.set(EVA, Answer(0.5, "revisar"), math.inf)
        lives = sorted(client.pttl(name) for name in names(client))
        assert lives[0] == -1
        assert 0 < lives[1] <= 60_000
        assert tier.get(EVA) == (Answer(0.5, "revisar"), math.inf)

    def test_a_life_too_short_for_redis_is_none(self, tier: RedisTier[Any], client: Any) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        tier.set(ANA, Answer(0.5, "revisar"), 0.0005)
        assert names(client) == []

    def test_the_name_holds_model_and_digest_and_no_value_of_the_record(
        self, tier: RedisTier[Any], client: Any
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        (name,) = names(client)
        prefix, model, digest = name.decode().split(":")
        assert (prefix, model, len(bytes.fromhex(digest))) == ("morosidad", "modelo@1", 16)

    def test_delete_and_clear_remove(self, tier: RedisTier[Any], client: Any) -> None:
        other = ("modelo@2", ANA[1])
        odd = ("mod[e]lo*", ANA[1])
        for key in (ANA, EVA, other, odd):
            tier.set(key, Answer(0.25, "revisar"), 60)
        client.set("somebody else's", "untouched")
        tier.delete(ANA)
        assert tier.get(ANA) is None
        tier.clear("mod[e]lo*")
        assert tier.get(odd) is None
        tier.clear("modelo@1")
        assert tier.get(EVA) is None
        assert tier.get(other) is not None
        tier.clear()
        assert names(client) == [b"somebody else's"]

    def test_an_equal_digest_gives_nobody_anothers_answer(self, tier: RedisTier[Any], client: Any) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        (ana,) = names(client)
        tier.set(EVA, Answer(0.75, "rechazar"), 60)
        (eva,) = set(names(client)) - {ana}
        client.copy(ana, eva, replace=True)
        assert tier.get(EVA) is None
        assert tier.rejected == 1

    @pytest.mark.parametrize("foreign", [b"", b"\xc1", msgspec.msgpack.encode((pack_key(ANA), b"\xc1"))])
    def test_what_cannot_be_read_is_not_there(
        self, tier: RedisTier[Any], client: Any, foreign: bytes
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        client.set(names(client)[0], foreign)
        assert tier.get(ANA) is None
        assert tier.rejected == 1

    def test_with_a_secret_nobody_else_makes_an_entry(
        self, tier: RedisTier[Any], client: Any, server: Server
    ) -> None:
        mine, other = (
            RedisTier[Any].from_url(server.url, type=Answer, timeout=LONG, secret=secret)
            for secret in (b"sixteen letters!", b"another secret!!")
        )
        for forger in (tier, other):
            forger.set(ANA, Answer(0.01, "aprobar"), 60)
            assert mine.get(ANA) is None
        assert mine.rejected == 2
        mine.set(ANA, Answer(0.75, "rechazar"), 60)
        assert mine.get(ANA) is not None
        assert other.get(ANA) is tier.get(ANA) is None
        (name,) = names(client)
        entry = client.get(name)
        for place in range(len(entry)):
            client.set(name, entry[:place] + bytes([entry[place] ^ 1]) + entry[place + 1 :])
            assert mine.get(ANA) is None, f"byte {place} may be changed"
        for one in (mine, other):
            one.close()

    def test_an_entry_is_authentic_under_its_own_name_only(self, client: Any, server: Server) -> None:
        old, new = (
            RedisTier[Any].from_url(
                server.url, type=Answer, timeout=LONG, secret=b"sixteen letters!", prefix=prefix
            )
            for prefix in ("last year", "this year")
        )
        old.set(ANA, Answer(0.01, "aprobar"), 60)
        (name,) = names(client)
        client.copy(name, name.replace(b"last", b"this"))
        assert new.get(ANA) is None
        assert (old.rejected, new.rejected) == (0, 1)
        for one in (old, new):
            one.close()

    def test_a_short_secret_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 16 bytes"):
            RedisTier.from_url("redis://127.0.0.1:1/0", secret=b"short")

    def test_nothing_is_pickled(self, tier: RedisTier[Any], client: Any) -> None:
        with pytest.raises(TypeError):
            tier.set(ANA, threading.Lock(), 60)
        assert names(client) == []

    def test_the_codec_may_be_the_callers(self, server: Server) -> None:
        tier: RedisTier[Any] = RedisTier.from_url(
            server.url,
            encode=str.encode,
            decode=bytes.decode,
            encode_key=repr_key,
            prefix="otro",
            timeout=LONG,
        )
        tier.set(frozenset([1]), "uno", 60)
        assert tier.get(frozenset([1])) is not None
        tier.close()

    def test_without_a_type_plain_data_comes_back(self, server: Server) -> None:
        tier: RedisTier[Any] = RedisTier.from_url(server.url, timeout=LONG)
        tier.set(ANA, {"p": [0.1, None]}, 60)
        assert tier.get(ANA)[0] == {"p": [0.1, None]}  # type: ignore[index]
        tier.close()

    def test_a_client_that_decodes_is_refused(self, server: Server) -> None:
        with (
            redis.Redis(port=server.port, decode_responses=True) as client,
            pytest.raises(ValueError, match="decode"),
        ):
            RedisTier(client)


def repr_key(key: object) -> bytes:
    return repr(key).encode()
