"""Key figures that servers share over Redis: sums, clocks that differ, servers that die, false entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.kpis import Time
from helpers.redis_server import Server
from morosidad.kpis import KPITracker
from morosidad.kpis.prometheus import KPICollector
from morosidad.kpis.server_sharing import SLOTS, ServerSharing

pytest.importorskip("redis")
SECRET = b"sixteen bytes or more"


class Machine:
    """A server on a machine whose clock began at another time than those of others."""

    def __init__(self, redis: Server, time: Time, name: str, booted: float, **options: Any) -> None:
        self.tracker = KPITracker(
            60, subwindows=60, zone="UTC", clock=lambda: time.steady - booted, wall=lambda: time.wall
        )
        self.sharing = ServerSharing.from_url(
            self.tracker, redis.url, server=name, clock=lambda: time.steady, **options
        )

    def exchange(self, note: bytes = b"") -> tuple[Any, ...]:
        return self.sharing.exchange(7, note)

    @property
    def total(self) -> int:
        return self.tracker.report().predictions


@pytest.fixture
def machines(redis_server: Server, time: Time) -> Iterator[list[Machine]]:
    made = [
        Machine(redis_server, time, name, booted) for name, booted in (("a", 0.0), ("b", -1e6), ("c", 900.4))
    ]
    yield made
    for machine in made:
        machine.sharing.close()


def everybody_exchanges(machines: list[Machine]) -> None:
    for _ in range(2):
        for machine in machines:
            machine.exchange()


def test_each_reports_on_all_and_the_exposition_on_itself(machines: list[Machine], time: Time) -> None:
    for number, machine in enumerate(machines, 1):
        for _ in range(number):
            machine.tracker.record(0.001 * number, probability=0.1 * number, decision="aprobar", cached=True)
        machine.tracker.record_rules({f"R{number}": number})
        machine.tracker.record_stages(predict=0.001)
        machine.tracker.observe_resources(connections=number)
    everybody_exchanges(machines)
    for number, machine in enumerate(machines, 1):
        report = machine.tracker.report()
        assert report.predictions == report.metrics.predictions_today == 6
        assert report.metrics.confidence == pytest.approx((0.9 + 2 * 0.8 + 3 * 0.7) / 6)
        assert report.metrics.connections == 6
        assert machine.tracker.counts().decisions["aprobar"] == machine.tracker.lifetime().total == 6
        assert machine.tracker.rules() == {"R1": 1, "R2": 2, "R3": 3}
        assert machine.tracker.stages()["predict"].samples == 3
        own = {m.name: m for m in KPICollector(machine.tracker.here()).collect()}
        assert sum(s.value for s in own["morosidad_reglas"].samples) == number
        assert machine.tracker.here().counts().total == number


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_sum_is_that_of_one_tracker_whoever_counts_and_whenever_they_exchange(
    redis_server: Server, data: st.DataObject
) -> None:
    time = Time()
    scope = str(data.draw(st.integers(0, 2**64)))
    machines = [
        Machine(redis_server, time, str(number), booted, scope=scope)
        for number, booted in enumerate(
            data.draw(st.lists(st.integers(-(10**6), 900), min_size=2, max_size=3))
        )
    ]
    whole = KPITracker(60, subwindows=60, zone="UTC", clock=lambda: time.steady, wall=lambda: time.wall)
    for _ in range(data.draw(st.integers(1, 12))):
        for machine in machines:
            for seconds in data.draw(st.lists(st.floats(1e-5, 10.0), max_size=4)):
                machine.tracker.record(seconds, probability=0.25)
                whole.record(seconds, probability=0.25)
        time.advance(data.draw(st.integers(0, 25)))
        if data.draw(st.booleans()):
            data.draw(st.sampled_from(machines)).exchange()
    everybody_exchanges(machines)
    for machine in machines:
        assert machine.total == whole.report().predictions
        assert machine.tracker.lifetime().total == whole.lifetime().total
        assert machine.tracker.counts().latency.count == whole.counts().latency.count
        machine.sharing.close()


def test_what_a_dead_server_counted_leaves_as_time_goes_by(machines: list[Machine], time: Time) -> None:
    living, dying, _ = machines
    for _ in range(3):
        dying.tracker.record(0.001)
        time.advance(10)
    everybody_exchanges(machines)
    assert [other.age for other in living.exchange()] == [0.0, 0.0]
    dying.tracker.record(0.001)  # its unwritten second is lost
    time.advance(15)
    (dead, *_) = living.exchange()
    assert (living.total, dead.server, dead.age) == (3, "b", 15.0)
    time.advance(20)
    living.exchange()
    assert living.total == 2
    time.advance(8)
    assert living.total == 1
    time.advance(10)
    assert living.total == 0


def test_notes_are_told_as_they_are(machines: list[Machine]) -> None:
    machines[0].exchange(b"\x00 any bytes")
    assert [(other.server, other.process, other.note) for other in machines[1].exchange()] == [
        ("a", 7, b"\x00 any bytes")
    ]


def test_the_processes_of_one_server_and_other_models_are_not_heard(redis_server: Server, time: Time) -> None:
    first, beside, other = (
        Machine(redis_server, time, name, 0.0, scope=scope)
        for name, scope in (("a", "m"), ("a", "m"), ("b", "n"))
    )
    for machine in (first, beside, other, first, beside, other):
        machine.tracker.record(0.001)
        assert machine.exchange() == ()
        machine.sharing.close()


def test_a_redis_that_is_gone_costs_a_pause_and_no_figure(
    redis_server: Server, machines: list[Machine], time: Time
) -> None:
    first, second, _ = machines
    second.tracker.record(0.001)
    everybody_exchanges(machines)
    redis_server.kill()
    time.advance(1)
    first.tracker.record(0.001)
    first.exchange()
    assert first.sharing.failing
    assert first.total == 2
    redis_server.start()
    first.exchange()
    assert first.sharing.failing  # not asked again yet
    time.advance(1)
    everybody_exchanges(machines)
    assert not first.sharing.failing
    assert {machine.total for machine in machines} == {2}


def test_every_slot_taken_is_told(redis_server: Server, time: Time, machines: list[Machine]) -> None:
    import redis

    machines[0].exchange()
    with redis.Redis(port=redis_server.port) as client:
        (name,) = client.keys("*:0")
        for slot in range(1, SLOTS):
            client.set(name[:-1] + str(slot).encode(), b"taken")
    machines[1].exchange()
    assert machines[1].sharing.failing
    assert machines[1].sharing.rejected == SLOTS - 1
    machines[0].tracker.record(0.001)
    machines[0].exchange()
    machines[1].exchange()
    assert machines[1].total == 1


def test_a_slot_that_another_process_has_taken_is_given_up(
    redis_server: Server, machines: list[Machine]
) -> None:
    import redis

    machines[0].exchange()
    with redis.Redis(port=redis_server.port) as client:
        client.flushdb()
        machines[1].tracker.record(0.001)
        machines[1].exchange()  # the first slot is free again, and taken
    machines[0].tracker.record(0.001)
    everybody_exchanges(machines)
    assert {machine.total for machine in machines} == {2}


@pytest.mark.parametrize("secret", [SECRET, None], ids=["with a secret", "without"])
def test_entries_that_are_none_are_passed_over(
    redis_server: Server, time: Time, secret: bytes | None
) -> None:
    import redis

    first, second = (Machine(redis_server, time, name, 0.0, secret=secret) for name in "ab")
    second.tracker.record(0.001)
    everybody_exchanges([first, second])
    assert first.total == 1
    with redis.Redis(port=redis_server.port) as client:
        for name in client.keys():  # noqa: SIM118
            kept = client.get(name)
            for forged in (b"x", kept[:-3], kept[:40] + b"\xff" * 40 + kept[80:], b"\x00" * 200_000):
                client.set(name, forged)
                second.tracker.record(0.001)
                first.exchange()
                assert not first.sharing.failing
            client.set(name, kept)
    first.exchange()
    assert first.sharing.rejected > 0
    assert first.total >= 1
    for machine in (first, second):
        machine.sharing.close()


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e308])
def test_a_moment_that_is_none_is_passed_over(redis_server: Server, time: Time, moment: float) -> None:
    first, second = (Machine(redis_server, time, name, 0.0) for name in "ab")
    time.wall, right = moment, time.wall
    second.exchange()
    time.wall = right
    first.exchange()
    assert not first.sharing.failing
    assert first.total == 0
    for machine in (first, second):
        machine.sharing.close()


def test_without_the_secret_nothing_is_forged(redis_server: Server, time: Time) -> None:
    honest = Machine(redis_server, time, "a", 0.0, secret=SECRET)
    for forger in (
        Machine(redis_server, time, "b", 0.0),
        Machine(redis_server, time, "c", 0.0, secret=b"another one of 16 bytes"),
    ):
        for _ in range(100):
            forger.tracker.record(0.001)
        forger.exchange()
        forger.sharing.close()
    assert honest.exchange() == ()
    assert honest.sharing.rejected == 2
    assert honest.total == 0
    honest.sharing.close()
