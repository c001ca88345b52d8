"""Clients and proxies that others wrote, each with its defaults, against a real process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxies import EXAMPLES, proxy_before
from serving import FOUND
from support import needed

PERSON = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
BODY = json.dumps({"datos": PERSON})

JAVA = """
import java.net.URI;
import java.net.http.*;
public class Ask {
  public static void main(String[] a) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int i = 0; i < 3; i++) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(a[0]))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(a[1])).build();
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.version());
    }
  }
}
"""

NODE = """
const [url, body] = process.argv.slice(2);
for (let i = 0; i < 3; i++) {
  const answer = await fetch(url, {method: "POST", headers: {"content-type": "application/json"}, body});
  const document = await answer.json();
  console.log(answer.status, typeof document.prediccion);
}
"""

GO = """
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	client := &http.Client{Transport: transport}
	for turn := 0; turn < 6; turn++ {
		request, _ := http.NewRequest("POST", os.Args[1], strings.NewReader(os.Args[2]))
		request.Header.Set("Content-Type", "application/json")
		if turn%2 == 1 {
			request.Header.Set("Expect", "100-continue")
		}
		answer, err := client.Do(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		fmt.Println(answer.StatusCode, answer.Proto, strings.Contains(string(body), "prediccion"))
	}
}
"""


def output(*command: str, folder: Path, **env: str) -> str:
    whole = {**os.environ, **env}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=FOUND, check=False, env=whole
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_java(run, tmp_path) -> None:
    needed(shutil.which("java") is not None, "java")
    server = run()
    (tmp_path / "Ask.java").write_text(JAVA)
    said = output("java", "Ask.java", f"{server.url}/predecir", BODY, folder=tmp_path)
    assert said.splitlines() == ["200 HTTP_1_1"] * 3


def test_node(run, tmp_path) -> None:
    needed(shutil.which("node") is not None, "node")
    server = run()
    (tmp_path / "ask.mjs").write_text(NODE)
    said = output("node", "ask.mjs", f"{server.url}/predecir", BODY, folder=tmp_path)
    assert said.splitlines() == ["200 number"] * 3


def test_go_that_keeps_its_connection_and_waits_to_be_told_to_go_on(run, tmp_path) -> None:
    needed(shutil.which("go") is not None, "go")
    server = run()
    (tmp_path / "ask.go").write_text(GO)
    places = {"GOCACHE": str(tmp_path / "cache"), "GOPATH": str(tmp_path / "go")}
    alone = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    said = output("go", "run", "ask.go", f"{server.url}/predecir", BODY, folder=tmp_path, **places, **alone)
    assert said.splitlines() == ["200 HTTP/1.1 true"] * 6


@pytest.mark.parametrize("how", ["--http2", "--http1.1", "--http1.0"])
def test_curl(run, tmp_path, how) -> None:
    needed(shutil.which("curl") is not None, "curl")
    server = run()
    url = f"{server.url}/predecir"
    post = [
        "-H",
        "Content-Type: application/json",
        "-d",
        BODY,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}\n",
        url,
    ]
    said = output("curl", "-sS", how, *post, "--next", "-sS", how, *post, folder=tmp_path)
    assert said.splitlines() == ["200"] * 2


def test_httpx_with_http2_offered(run) -> None:
    server = run()
    offered = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABkAAQAAP__",
    }
    with httpx.Client(base_url=server.url, timeout=FOUND, http1=True, http2=True) as client:
        for headers in ({}, offered, {}):
            answer = client.post("/predecir", json={"datos": PERSON}, headers=headers)
            assert (answer.status_code, "prediccion" in answer.json()) == (200, True)


def test_requests_that_are_written_before_an_answer_is_read(run) -> None:
    server = run()
    one = f"POST /predecir HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
    alive = b"GET /salud/viva HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = alive.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    whole = (one + alive) * 5 + last
    for cut in (len(whole), len(one) + 3, len(one) - 1):
        data = b""
        with socket.create_connection(("127.0.0.1", server.port), FOUND) as connection:
            connection.sendall(whole[:cut])
            connection.sendall(whole[cut:])
            while piece := connection.recv(65536):
                data += piece
        assert data.count(b"HTTP/1.1 200 OK") == 11
        assert data.count(b'"prediccion"') == 5


@pytest.mark.parametrize("program", EXAMPLES)
def test_behind_a_proxy_that_keeps_its_connections(run, tmp_path, program) -> None:
    server = run(MOROSIDAD_SERVER_PROXIES="127.0.0.1")
    with proxy_before(program, [server.port], tmp_path) as url:
        _ask_through(url)


def _ask_through(url: str) -> None:
    host: dict[str, Any] = {"Host": "localhost"}
    upgrade = {**host, "Connection": "Upgrade", "Upgrade": "h2c"}
    with httpx.Client(base_url=url, timeout=FOUND) as client:
        for turn in range(12):
            headers = upgrade if turn % 3 == 2 else host
            answer = client.post("/predecir", json={"datos": PERSON}, headers=headers)
            assert (answer.status_code, "prediccion" in answer.json()) == (200, True), answer.text
            assert client.get("/salud/viva", headers=host).status_code == 200
