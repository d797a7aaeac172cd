"""What the benchmarks of a running site share: the site, and visitors without a browser."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx

_CONNECTIONS = 6  # of a browser to one server
_IDLE_SECONDS = 2.0  # that a connection is kept
# catalogue pictures have addresses of their own, pictures of the page lie in files of gradio's
_PICTURE = re.compile(r'<img src=\\?"((?:pictures/|gradio_api/file=)[^"\\]+)')


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def start_site(
    index: Path, port: int, state: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen:
    """Start the site as a user does, without a limit of requests; `environment` is added."""
    command = [sys.executable, "app.py", "--index", str(index), "--port", str(port), "--rate", "0"]
    environment = os.environ | (environment or {})
    command += ["--state", state]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def wait_until_ready(port: int, seconds: float = 120) -> None:
    """Wait for a site; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"no site was ready at port {port} within {seconds:.0f} s")


def loopback(number: int) -> str:
    """Return a loopback address of a visitor's own."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def browser_client(address: str, number: int) -> httpx.AsyncClient:
    """Return a client with a browser's six connections and a loopback address of its own.

    The site tells clients apart by address and lets each keep few idle connections.
    """
    limits = httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
    local = loopback(number)
    transport = httpx.AsyncHTTPTransport(verify=False, local_address=local, limits=limits)  # http
    timeout = httpx.Timeout(60, pool=None)
    return httpx.AsyncClient(base_url=address, timeout=timeout, transport=transport)


class FileClient:
    """Fetches files over as many kept connections as a browser has.

    httpx takes a millisecond of processor time for each, more than the site does.
    """

    def __init__(self, port: int, number: int) -> None:
        self._port, self._local = port, (loopback(number), 0)
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    async def get(self, file: str) -> None:
        """Fetch a file, again where a kept connection was closed meanwhile, as browsers do.

        Raises httpx.HTTPError.
        """
        async with self._slots:
            try:
                status = await self._status(file, *await self._connection())
            except (OSError, EOFError):
                try:
                    status = await self._status(file, *await self._opened())
                except (OSError, EOFError) as error:
                    raise httpx.ReadError(f"{file}: {error!r}") from error
        request = httpx.Request("GET", f"http://127.0.0.1:{self._port}/{file}")
        httpx.Response(status, request=request).raise_for_status()

    async def _status(
        self, file: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int:
        host = f"127.0.0.1:{self._port}"
        writer.write(f"GET /{file} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = head.partition(b"content-length:")
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
        self._idle.append((time.monotonic(), reader, writer))
        return int(head.split(b" ", 2)[1])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return await self._opened()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=self._local)


class Visitor:
    """A visitor without a browser: sends the same requests and fetches every picture.

    `files` fetches pictures for less processor time than `http` does.
    """

    def __init__(
        self, http: httpx.AsyncClient, config: dict, seed: int, files: FileClient | None = None
    ) -> None:
        self._files = files
        self.http, self.config, self.rng = http, config, random.Random(seed)
        self.session = f"visitor{seed}"
        self._slots = asyncio.Semaphore(_CONNECTIONS)  # httpx is slow where many wait in its pool

    def _event(self, elem_id: str, name: str) -> dict:
        components, events = self.config["components"], self.config["dependencies"]
        [id] = [c["id"] for c in components if c["props"].get("elem_id") == elem_id]
        events = [e for e in events if [id, name] in map(list, e["targets"])]
        return next(e for e in events if e["backend_fn"] and e["outputs"])

    async def answer(self, elem_id: str, name: str, data: dict | None, value: object = None) -> str:
        """Send one event, with the value of its first input, and return its answer as JSON.

        Raises httpx.HTTPError, RuntimeError where the answer is an error or ends too early.
        """
        event = self._event(elem_id, name)
        inputs = [value, *[None] * len(event["inputs"])][: len(event["inputs"])]
        return await self._ask(event, inputs, data)

    async def follow(self, elem_id: str, name: str, answer: str) -> None:
        """Send what the page sends once an event is answered: its photo, to locate its garments.

        The tab is not free until that is answered, too. Raises as `answer` does.
        """
        event = self._event(elem_id, name)
        values = dict(zip(event["outputs"], json.loads(answer), strict=True))
        for next_event in self.config["dependencies"]:
            follows = next_event["trigger_after"] == event["id"] and next_event["backend_fn"]
            if follows and next_event["trigger_only_on_success"]:
                inputs = [values.get(id) for id in next_event["inputs"]]
                await self._ask(next_event, inputs, None)

    async def _ask(self, event: dict, inputs: list, data: dict | None) -> str:
        body = {"data": inputs, "event_data": data}
        body |= {"fn_index": event["id"], "session_hash": self.session}
        joined = await self.http.post("gradio_api/queue/join", json=body)
        joined.raise_for_status()
        path, params = "gradio_api/queue/data", {"session_hash": self.session}
        async with self.http.stream("GET", path, params=params) as lines:
            async for line in lines.aiter_lines():
                if '"process_completed"' in line:
                    message = json.loads(line.removeprefix("data:"))
                    if message["event_id"] != joined.json()["event_id"]:
                        continue  # of an event whose answer was not waited for
                    if not message["success"]:
                        raise RuntimeError(f"the answer is an error: {message['output']}")
                    return json.dumps(message["output"]["data"])
        raise RuntimeError("the answer ended before it was complete")

    async def get(self, file: str) -> None:
        """Fetch a file, again where a kept connection was closed meanwhile, as browsers do."""
        if self._files is not None:
            await self._files.get(file)
            return
        async with self._slots:
            try:
                response = await self.http.get(file)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                response = await self.http.get(file)
            response.raise_for_status()

    async def show(self, answer: str, cache: set[str] | None = None) -> None:
        """Fetch every picture of an answer at once; raises httpx.HTTPError, RuntimeError.

        With the `cache` of a browser those that are not in it; the others are added.
        """
        files = set(_PICTURE.findall(answer))
        if not files:
            raise RuntimeError(f"an answer without pictures: {answer[:300]}")
        missing = files - cache if cache is not None else files
        await asyncio.gather(*(self.get(file) for file in missing))
        if cache is not None:
            cache |= missing
