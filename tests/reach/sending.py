"""Run inside a network namespace: sends real packets, or hears them. Standard library only.

Line by line of JSON: a sender gets [[address, protocol, port], …] and answers with those that tcp or icmp came back
for; a hearer gets [] and answers with the udp payloads that arrived since it was last asked.
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

WAIT = 0.25  # seconds for an answer; the namespaces are a few microseconds apart
HEARD_AT = 7000


def hear() -> None:
    """Accept every connection, remember every datagram."""
    heard: list[str] = []
    tcp = socket.create_server(("0.0.0.0", HEARD_AT), backlog=512)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", HEARD_AT))

    def accept() -> None:
        while True:
            tcp.accept()[0].close()

    def receive() -> None:
        while True:
            heard.append(udp.recv(100).decode())

    for task in (accept, receive):
        threading.Thread(target=task, daemon=True).start()
    print("[]", flush=True)
    for _ in sys.stdin:
        time.sleep(0.02)
        said, heard[:] = list(heard), []
        print(json.dumps(said), flush=True)


def send() -> None:
    """Send what is asked for, all at once, and say what came back."""
    print("[]", flush=True)
    for line in sys.stdin:
        print(json.dumps(_sent(json.loads(line))), flush=True)


def _sent(packets: list[list[object]]) -> list[int]:
    waiting: dict[socket.socket, int] = {}
    answered: set[int] = set()
    echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for index, (address, protocol, port) in enumerate(packets):
        try:
            if protocol == "tcp":
                one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                one.setblocking(False)
                one.connect_ex((str(address), int(str(port))))
                waiting[one] = index
            elif protocol == "udp":
                plain.sendto(str(index).encode(), (str(address), int(str(port))))
            else:
                echo.sendto(_echo(index), (str(address), 0))
        except PermissionError:
            continue  # what the output chain drops, the sender is told of
    end = time.monotonic() + WAIT
    while (left := end - time.monotonic()) > 0:
        came, went, _ = select.select([echo], list(waiting), [], left)
        for one in went:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                answered.add(waiting[one])
            del waiting[one]
            one.close()
        if came:
            answered |= _echoed(echo.recv(200))
    for one in (*waiting, echo, plain):
        one.close()
    return sorted(answered)


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
