"""Connections to public addresses only, each read of which ends with the request's own time.

httpx looks a name up by itself and limits the time of each read, not that of an answer: a host
that sends a byte now and then would keep a thread for days.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

PRIVATE, NO_HOST = "leads to a private address", "no such host"
# IPv6 networks whose addresses hold one of IPv4 in their last 32 bits
_HOLD_IPV4 = [ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96")]
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")


class GuardedNetwork(httpcore.NetworkBackend):
    """Looks a name up once and connects to what was looked up, if every address is a public one.

    `ends` returns when the request of this thread must have ended, in seconds of time.monotonic().
    """

    def __init__(
        self, backend: httpcore.NetworkBackend, allow_local: bool, ends: Callable[[], float]
    ) -> None:
        self._backend, self._allow_local, self._ends = backend, allow_local, ends

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; raises httpcore.ConnectError with PRIVATE or NO_HOST."""
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(NO_HOST) from None
        addresses = [str(place[4][0]) for place in resolved]
        if not self._allow_local and not all(map(is_public, addresses)):
            raise httpcore.ConnectError(PRIVATE)
        stream = self._backend.connect_tcp(
            addresses[0], port, _left(timeout, self._ends()), local_address, socket_options
        )
        return _TimedStream(stream, self._ends)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, ends: Callable[[], float]) -> None:
        self._stream, self._ends = stream, ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, self._ends()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, self._ends()))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, self._ends())
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _TimedStream(stream, self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, ends: float) -> float:
    """The seconds that a step may take; raises ReadTimeout where none are left."""
    left = ends - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is up")
    return left if timeout is None else min(timeout, left)


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet; False for what is no address.

    An IPv6 address that stands for one of IPv4 (mapped, NAT64, 6to4) is judged by that one.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        held = address.ipv4_mapped or address.sixtofour
        if any(address in network for network in _HOLD_IPV4):
            held = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if held is not None:
            return is_public(str(held))
        if address.is_site_local or address in _LOCAL_NAT64:
            return False
    return address.is_global and not address.is_multicast
