"""Posting to endpoints: the threads that do it, and the requests that Pub/Sub makes of messages."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import queue
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from localcloud.calls import Document
from localcloud.core import Cloud

TIMEOUT = 600.0  # real seconds that an endpoint may take; the deadline in the cloud's time is the queue's affair
THREADS = 64  # more posts than this wait for their turn

_log = logging.getLogger(__name__)
Answer = Callable[[int | None], None]


@dataclass(frozen=True)
class Post:
    """One HTTP request to an endpoint."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Work:
    post: Post
    answer: Answer
    release: Callable[[], None]


class Poster:
    """Posts from threads of its own. `counts` says how often each endpoint gave each status (0: none)."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open: set[http.client.HTTPConnection] = set()
        self._busy = 0
        self._stopped = False
        self.counts: Counter[tuple[str, int]] = Counter()

    def submit(self, post: Post, answer: Answer) -> None:
        """Have `post` made; `answer` gets the HTTP status, or None without one, under the cloud's lock.

        The message counts as being worked on from now on, so that no time passes before it is sent.
        """
        with self._cloud.lock:
            if self._stopped:
                return
            self._busy += 1
            if self._busy > len(self._threads) and len(self._threads) < THREADS:
                thread = threading.Thread(target=self._serve, name=f"push-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._work.put(_Work(post, answer, self._cloud.clock.hold()))

    def stop(self) -> None:
        """Close every connection, and end the threads. What was submitted and not answered is not answered any more."""
        with self._cloud.lock:
            self._stopped = True
            threads, self._threads = self._threads, []
            for connection in self._open:
                _sever(connection)
        for _ in threads:
            self._work.put(None)
        for thread in threads:
            thread.join(timeout=5)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                self._do(work)
            finally:
                work.release()

    def _do(self, work: _Work) -> None:
        status = None if self._stopped else self._post(work.post)
        with self._cloud.lock:
            self._busy -= 1
            if self._stopped:
                return
            self.counts[work.post.url, status or 0] += 1
            try:
                work.answer(status)
            except Exception as failure:  # noqa: BLE001 - kept: settle raises it
                _log.exception("the answer of %s could not be taken", work.post.url)
                self._cloud.clock.failures.append(failure)

    def _post(self, post: Post) -> int | None:
        url = urlsplit(post.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT)
        with self._cloud.lock:
            self._open.add(connection)
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("POST", target, body=post.body, headers={**post.headers, "Connection": "close"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            _log.info("no answer from %s: %s", post.url, problem)
            return None
        else:
            return response.status
        finally:
            with self._cloud.lock:
                self._open.discard(connection)
            connection.close()


def _sever(connection: http.client.HTTPConnection) -> None:
    sock: socket.socket | None = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def token(cloud: Cloud, email: str, audience: str) -> str:
    """An OIDC token in the shape of Google's that names whom it stands for. Nobody signed it: alg is none."""
    now = int(cloud.clock.now().timestamp())
    claims = {
        "aud": audience,
        "azp": email,
        "email": email,
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
        "sub": email,
    }
    return ".".join((_packed({"alg": "none", "typ": "JWT"}), _packed(claims), "local"))


def _packed(document: Document) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
