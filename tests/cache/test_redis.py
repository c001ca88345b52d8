"""RedisTier against a real redis-server, killed in the middle and brought back."""

from __future__ import annotations

import builtins
import math
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from morosidad.cache import RedisTier, TieredCache
from morosidad.cache.redis import namespace_of, pack_key
from morosidad.errors import MissingExtra
from support import FakeClock, needed

redis = pytest.importorskip("redis")

ANA = ("modelo@1", (35, 1200.5, "propia", True, None))
EVA = ("modelo@1", (36, 1200.5, "propia", True, None))


class Answer(msgspec.Struct, frozen=True):
    probability: float
    outcome: str


class Server:
    """A redis-server of our own on a free port of this machine."""

    def __init__(self, program: str, directory: Path) -> None:
        self.program, self.directory = program, directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.directory,
            "save": "",
            "appendonly": "no",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([self.program, *arguments], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port, retry=None) as client:
            pause = threading.Event()
            for _ in range(500):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self.process.poll() is None, "redis-server ended at once"
                    pause.wait(0.01)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program = shutil.which("redis-server")
    needed(program is not None, "redis-server")
    assert program is not None
    running = Server(program, tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def tier(server: Server, clock: FakeClock) -> Iterator[RedisTier[Any]]:
    made: RedisTier[Any] = RedisTier.from_url(server.url, type=Answer, timeout=5, clock=clock)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with redis.Redis(port=server.port) as made:
        yield made


def names(client: Any) -> list[bytes]:
    """Every name in Redis."""
    return list(client.scan_iter())


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
            raise ImportError(name)
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

    def test_nothing_is_pickled(self, tier: RedisTier[Any], client: Any) -> None:
        with pytest.raises(TypeError):
            tier.set(ANA, threading.Lock(), 60)
        assert names(client) == []

    def test_the_codec_may_be_the_callers(self, server: Server) -> None:
        tier: RedisTier[Any] = RedisTier.from_url(
            server.url, encode=str.encode, decode=bytes.decode, encode_key=repr_key, prefix="otro", timeout=5
        )
        tier.set(frozenset([1]), "uno", 60)
        assert tier.get(frozenset([1])) is not None
        tier.close()

    def test_without_a_type_plain_data_comes_back(self, server: Server) -> None:
        tier: RedisTier[Any] = RedisTier.from_url(server.url, timeout=5)
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


@pytest.mark.redis
class TestDeadRedis:
    def test_it_is_left_alone_for_a_while_then_tried_once(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        server.kill()
        # The client makes no attempts of its own behind our back.
        monkeypatch.setattr("redis.retry.sleep", pytest.fail)
        for _ in range(5):
            assert tier.get(ANA) is None
            tier.set(EVA, Answer(0.5, "revisar"), 60)
        assert (tier.failures, tier.available) == (1, False)
        clock.advance(1)
        for _ in range(5):
            assert tier.get(ANA) is None
        assert tier.failures == 2

    def test_a_hanging_redis_costs_one_time_out(self, clock: FakeClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
            tier: RedisTier[Any] = RedisTier.from_url(url, timeout=0.02, clock=clock)
            for _ in range(200):
                assert tier.get(ANA) is None
            assert tier.failures == 1
            tier.close()

    def test_it_is_used_again_when_it_is_back(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        server.kill()
        assert tier.get(ANA) is None
        server.start()
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        assert tier.get(ANA) is None
        clock.advance(1)
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        assert tier.available
        assert tier.get(ANA) is not None
        assert tier.failures == 1

    def test_what_could_not_be_removed_is_not_believed_afterwards(
        self, server: Server, tier: RedisTier[Any], client: Any, clock: FakeClock
    ) -> None:
        old = Answer(0.25, "revisar")
        other = ("modelo@1", (99,))
        for key in (ANA, EVA, other):
            tier.set(key, old, 60)
        kept = {name: client.get(name) for name in names(client)}
        server.kill()
        tier.delete(ANA)
        tier.set(EVA, Answer(0.5, "rechazar"), 60)
        # It comes back with all it held, as after a cut of the network.
        server.start()
        client.mset(kept)
        clock.advance(1)
        assert tier.get(ANA) is None
        assert tier.get(EVA) is None
        assert tier.get(other) is not None

    def test_a_clear_that_did_not_get_through_is_made_up_for(
        self, server: Server, tier: RedisTier[Any], client: Any, clock: FakeClock
    ) -> None:
        tier.set(ANA, Answer(0.25, "revisar"), 60)
        kept = {name: client.get(name) for name in names(client)}
        server.kill()
        tier.clear("modelo@1")
        clock.advance(1)
        # Tried and failed again, which must not be forgotten either.
        tier.get(ANA)
        server.start()
        client.mset(kept)
        clock.advance(1)
        assert tier.get(ANA) is None
        assert names(client) == []

    def test_too_many_missed_writes_become_one_clear(
        self,
        server: Server,
        tier: RedisTier[Any],
        client: Any,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("morosidad.cache.redis.MAX_MISSED_WRITES", 5)
        server.kill()
        for number in range(7):
            tier.delete(("modelo@1", (number,)))
        assert len(tier._missed_writes) == 1
        server.start()
        client.set("morosidad:modelo@1:00", "old")
        clock.advance(1)
        tier.get(ANA)
        assert names(client) == []

    def test_a_write_missed_while_another_call_mends_is_mended_next(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        server.kill()
        tier.get(ANA)
        server.start()
        clock.advance(1)
        mend = tier._remove_missed

        def meanwhile() -> None:
            mend()
            clock.advance(5)
            assert tier.get(ANA) is None, "one call at a time tries, however long it takes"
            tier.delete(EVA)

        tier._remove_missed = meanwhile  # type: ignore[method-assign]
        tier.get(ANA)
        assert not tier.available
        tier._remove_missed = mend  # type: ignore[method-assign]
        tier.get(ANA)
        assert tier.available
        assert not tier._missed_writes


@pytest.mark.redis
class TestUnderTieredCache:
    def test_processes_share_what_one_has_computed(self, server: Server, tier: RedisTier[Any]) -> None:
        here: TieredCache[Any, Answer] = TieredCache(2, tier)
        second: RedisTier[Any] = RedisTier.from_url(server.url, type=Answer, timeout=5)
        there: TieredCache[Any, Answer] = TieredCache(2, second)
        here[ANA] = Answer(0.25, "revisar")
        assert there.get(ANA) == Answer(0.25, "revisar")
        assert there.stats().l2_hits == 1
        here.invalidate(ANA)
        there.trim(0)
        assert there.get(ANA) is None
        second.close()

    def test_scoring_goes_on_while_redis_is_killed_and_brought_back(
        self, server: Server, tier: RedisTier[Any], clock: FakeClock
    ) -> None:
        cache: TieredCache[Any, Answer] = TieredCache(2, tier)
        keys = [("modelo@1", (number,)) for number in range(6)]

        def ask() -> list[float]:
            return [
                cache.get_or_compute(key, partial(Answer, number / 10, "aprobar")).probability
                for number, key in enumerate(keys)
            ]

        expected = [number / 10 for number in range(6)]
        assert ask() == expected
        assert ask() == expected
        assert cache.stats().l2_hits == 6
        server.kill()
        assert ask() == expected
        assert tier.failures == 1
        server.start()
        clock.advance(1)
        assert ask() == expected
        before = cache.stats().l2_hits
        assert ask() == expected
        assert cache.stats().l2_hits - before >= 4
        cache.clear()
        assert tier.get(keys[0]) is None

    def test_many_threads_at_the_moment_it_dies_wait_no_longer_than_one(
        self, server: Server, tier: RedisTier[Any]
    ) -> None:
        cache: TieredCache[Any, Answer] = TieredCache(2, tier)
        cache[ANA] = Answer(0.25, "revisar")
        server.kill()
        wrong: list[BaseException] = []
        together = threading.Barrier(16)

        def ask(number: int) -> None:
            try:
                together.wait(20)
                for step in range(50):
                    assert cache.get(("modelo@1", (number, step))) is None
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        # At worst each had one call under way; 800 were made.
        assert 1 <= tier.failures <= 16
