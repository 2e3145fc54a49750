"""Run inside a network namespace: sends real packets, or hears them. Standard library only.

Line by line of JSON: a sender gets [[source, address, protocol, port], …] and answers with those that tcp or icmp came
back for; a hearer gets [] and answers with the udp payloads that arrived since it was last asked.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import threading
import time

WAIT = 0.2  # seconds for an answer; the namespaces are a few microseconds apart
HEARD_AT = 7000
MANY = 4096


def hear() -> None:
    """Accept every connection, remember every datagram."""
    tcp = socket.create_server(("0.0.0.0", HEARD_AT), backlog=MANY)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.bind(("0.0.0.0", HEARD_AT))
    udp.setblocking(False)

    def accept() -> None:
        while True:
            tcp.accept()[0].close()

    threading.Thread(target=accept, daemon=True).start()
    print("[]", flush=True)
    for _ in sys.stdin:
        time.sleep(0.02)
        print(json.dumps(_waiting(udp)), flush=True)


def _waiting(udp: socket.socket) -> list[str]:
    found: list[str] = []
    while True:
        try:
            found.append(udp.recv(100).decode())
        except BlockingIOError:
            return found


def send() -> None:
    """Send what is asked for, all at once, and say what came back."""
    print("[]", flush=True)
    for line in sys.stdin:
        print(json.dumps(_sent(json.loads(line))), flush=True)


def _sent(packets: list[tuple[str, str, str, int]]) -> list[int]:
    waiting: dict[int, tuple[socket.socket, int]] = {}
    answered: set[int] = set()
    echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    echo.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for index, (source, address, protocol, port) in enumerate(packets):
        if protocol == "tcp":
            one = _from(socket.SOCK_STREAM, source)
            one.connect_ex((address, port))
            waiting[one.fileno()] = one, index
        else:
            _shot(source, address, protocol, port, index)
    poll = select.poll()
    poll.register(echo, select.POLLIN)
    for number in waiting:
        poll.register(number, select.POLLOUT)
    end = time.monotonic() + WAIT
    while (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            if number == echo.fileno():
                answered |= _echoed(echo.recv(200))
                continue
            poll.unregister(number)
            one, index = waiting[number]
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                answered.add(index)
    for one in (echo, *(one for one, _ in waiting.values())):
        one.close()
    return sorted(answered)


def _from(kind: int, source: str, protocol: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind, protocol)
    made.setblocking(False)
    made.bind((source, 0))
    return made


def _shot(source: str, address: str, protocol: str, port: int, index: int) -> None:
    udp = protocol == "udp"
    one = _from(socket.SOCK_DGRAM, source) if udp else _from(socket.SOCK_RAW, source, socket.IPPROTO_ICMP)
    try:
        one.sendto(str(index).encode() if udp else _echo(index), (address, port if udp else 0))
    except PermissionError:
        return  # what the output chain drops, the sender is told of
    finally:
        one.close()


def _echo(index: int) -> bytes:
    head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, index)
    total = sum(struct.unpack("!4H", head))
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack("!BBHHH", 8, 0, ~(total + (total >> 16)) & 0xFFFF, os.getpid() & 0xFFFF, index)


def _echoed(packet: bytes) -> set[int]:
    kind, _, _, who, index = struct.unpack("!BBHHH", packet[20:28])
    return {index} if (kind, who) == (0, os.getpid() & 0xFFFF) else set()


if __name__ == "__main__":
    {"hear": hear, "send": send}[sys.argv[1]]()
