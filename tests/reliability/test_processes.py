"""The end of processes: killed, told to stop in full load, hanging, and models that change under way."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
import time
from pathlib import Path

import psutil

from faulty import slow_scorer
from morosidad import Scorer
from morosidad.audit import find_logs, verify
from morosidad.training.shipped import PATH
from reliability.asking import until_answered
from reliability.breakage import deaf_stream, logged, put
from serving import Client, Server, run, wait_until
from traffic import Applicant, Traffic, applicants, closed_loop


def ask_in_background(
    port: int, people: list[Applicant], traffic: Traffic, over: threading.Event, rate: float | None = None
) -> threading.Thread:
    """Ask in a thread until all is over; what comes back is counted in `traffic`."""

    def ask() -> None:
        run(
            closed_loop(
                port, people, seconds=3600.0, rate=rate, traffic=traffic, going=lambda: not over.is_set()
            )
        )

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def check_logs(server: Server, traffic: Traffic) -> set[str]:
    """Verify every log; give the answered decisions that stand in none of them."""
    for path in find_logs(server.log):
        report = verify(path)
        assert report.ok, str(report)
    return set(traffic.answered) - logged([server.folder]).keys()


def test_a_killed_process_is_replaced_and_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, long: bool, refusals: frozenset[int]
) -> None:
    times = 20 if long else 2
    people, over, traffic = applicants(1000, seed=41), threading.Event(), Traffic()
    with Server(tmp_path, workers=2, AUDIT_DURABLE=True) as server:
        wait_until(lambda: len(server.serving()) == 2, 60.0)
        asking = ask_in_background(server.port, people, traffic, over, rate=100)
        try:
            for _ in range(times):
                answered = len(traffic.answered)
                wait_until(lambda answered=answered: len(traffic.answered) > answered + 50, 60.0)
                victim = server.serving()[0]
                victim.kill()
                wait_until(
                    lambda victim=victim: len(server.serving()) == 2 and victim not in server.serving(), 60.0
                )
            wait_until(server.ready, 60.0)
        finally:
            over.set()
            asking.join()
        after = run(until_answered(server.port, people[:200]))
    print(f"killed {times} times: {traffic}; after: {after}")
    assert (traffic.wrong, set(traffic.statuses) - refusals) == ([], {200})
    assert (after.wrong, after.statuses[200], set(after.statuses) - refusals) == ([], 200, {200})
    assert check_logs(server, traffic) == set()


def test_told_to_stop_in_full_load_it_finishes_what_it_began(tmp_path: Path) -> None:
    people, over, traffic = applicants(1000, seed=43), threading.Event(), Traffic()
    with Server(tmp_path, SERVER_SHUTDOWN_GRACE=2.0) as server:
        asking = ask_in_background(server.port, people, traffic, over)
        try:
            wait_until(lambda: len(traffic.answered) > 500, 60.0)
            start = time.perf_counter()
            code = server.stop()
            took = time.perf_counter() - start
        finally:
            over.set()
            asking.join()
    print(f"ended with {code} after {took:.2f} s: {traffic}")
    assert code in (0, -15)
    assert (traffic.wrong, set(traffic.statuses) - {200, 503}) == ([], set())
    assert traffic.statuses[503] > 0
    assert "Traceback" not in server.output.read_text()
    assert check_logs(server, traffic) == set()


def test_a_model_that_hangs_makes_answers_late_and_no_longer_than_it_hangs(
    tmp_path: Path, long: bool, refusals: frozenset[int]
) -> None:
    people = applicants(200, seed=47, scorer=slow_scorer())
    with Server(tmp_path, script="faulty", TEST_MODEL="slow", TIMEOUT_PREDICCION=1) as server:
        put(tmp_path / "falla", "hang")
        during = run(closed_loop(server.port, people[:60], connections=20, rate=60))
        (tmp_path / "falla").unlink()
        took = wait_until(lambda: server.ask("POST", "/predecir", people[0].body)[0] == 200, 60.0)
        after = run(until_answered(server.port, people, connections=4))
    print(f"while it hung: {during}; well again after {took:.2f} s")
    assert (during.wrong, set(during.statuses) - {503, 504}, dict(during.broken)) == ([], set(), {})
    assert during.refused
    assert max(during.refused) < (10.0 if long else 30.0)
    assert (after.wrong, after.statuses[200], set(after.statuses) - refusals) == ([], 200, {200})


def test_every_answer_while_models_change_comes_from_one_model(
    tmp_path: Path, long: bool, refusals: frozenset[int]
) -> None:
    times = 30 if long else 4
    models = [PATH, tmp_path / "otro"]
    other_model(models[1])
    known = {scorer.model: scorer for scorer in (Scorer.load(path) for path in models)}
    names = list(known)
    people, over = applicants(300, seed=53), threading.Event()
    expected = {
        (name, person.body): person.probability
        for name, scorer in known.items()
        for person in applicants(300, seed=53, scorer=scorer)
    }
    served = tmp_path / "modelo"
    shutil.copy(models[0], served)
    mixed: list[str] = []
    seen: set[str] = set()
    answers = 0

    async def ask(client: Client) -> None:
        nonlocal answers
        while not over.is_set():
            for person in people:
                status, answer = await client.ask("POST", "/predecir", person.body)
                if status in refusals:
                    await asyncio.sleep(0.02)
                    continue
                if status != 200 or answer["probabilidades"][1] != expected[answer["modelo"], person.body]:
                    mixed.append(str(answer))
                seen.add(answer.get("modelo", ""))
                answers += 1

    async def ask_on(connections: int) -> None:
        clients = [Client(server.port) for _ in range(connections)]
        await asyncio.gather(*(ask(client) for client in clients))
        for client in clients:
            client.close()

    with Server(tmp_path, SERVER_MODEL=str(served)) as server:
        asking = threading.Thread(target=lambda: run(ask_on(8)))
        asking.start()
        try:
            for number in range(times):
                shutil.copy(models[(number + 1) % 2], tmp_path / "neu")
                (tmp_path / "neu").replace(served)
                status, answer = server.ask("POST", "/admin/recargar", timeout=60.0)
                assert (status, answer["cambio"]) == (200, True), answer
                seen.clear()
                wait_until(lambda name=names[(number + 1) % 2]: name in seen, 60.0, lambda: seen)
        finally:
            over.set()
            asking.join()
    print(f"{times} reloads, {answers} answers, {len(mixed)} mixed or failed")
    assert mixed == []


def other_model(path: Path) -> None:
    """Write a model with another version and other answers than the shipped one."""
    from morosidad import make_applicants
    from morosidad.schema.ahorro_valle import AHORRO_VALLE

    frame = make_applicants(800, seed=9)
    X, y = frame[list(AHORRO_VALLE.names)], frame[AHORRO_VALLE.target]
    Scorer.train(X, y, schema=AHORRO_VALLE, name="ahorro-valle-sintetico", version="2").save(path)


def test_a_client_that_never_reads_is_cut_off_and_one_that_is_slow_is_not_waited_for(
    tmp_path: Path, refusals: frozenset[int]
) -> None:
    people = applicants(300, seed=59)
    with Server(tmp_path, SERVER_READ_TIMEOUT=1.0) as server, contextlib.ExitStack() as open_ones:
        run(until_answered(server.port, people[:50]))
        wait_until(server.log.exists, 60.0)  # its files are opened with the first line
        before = fewest_files(server)
        for _ in range(20):
            open_ones.callback(deaf_stream(server.port).close)
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for one in slow:
            open_ones.callback(one.close)
        wait_until(lambda: connections(server) == 20, 60.0)
        dripping = threading.Thread(target=drip, args=(slow,))
        dripping.start()
        took = run(until_answered(server.port, people))
        dripping.join()
        assert (took.wrong, took.statuses[200], set(took.statuses) - refusals) == ([], 300, {200})
        seconds = wait_until(lambda: server.usage().files <= before, 120.0, server.usage)
        print(f"all were gone after {seconds:.1f} s")
        wait_until(lambda: connections(server) == 0, 60.0)


def fewest_files(server: Server) -> int:
    """Give how many files are open once the connections of before are closed."""
    found = []
    for _ in range(20):
        found.append(server.usage().files)
        time.sleep(0.05)
    return min(found)


def connections(server: Server) -> int:
    """Give the WebSocket clients that the figures know of."""
    status, document = server.ask("GET", "/api/metricas-tiempo-real")
    assert status == 200
    return int(document["metricas_actuales"]["conexiones_activas"])


def drip(sockets: list[socket.socket]) -> None:
    """Send one byte now and then on each, until the server ends them all."""
    request = b"POST /predecir HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    for byte in request[:30]:
        for one in sockets:
            try:
                one.send(bytes([byte]))
            except OSError:
                continue
        time.sleep(0.1)


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    with Server(tmp_path, workers=2) as server:
        wait_until(lambda: len(server.serving()) == 2, 60.0)
        everybody = server.processes()
        assert server.stop() in (0, -15)
        _, alive = psutil.wait_procs(everybody, timeout=60.0)
        assert alive == []
