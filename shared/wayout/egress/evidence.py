"""What in a job speaks for a need of a way out, quoted with its place. Of a value only address or host is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address

from wayout.egress import ranges
from wayout.egress.model import Job

# No word goes on before it; what is escaped, as in %2F10.0.0.1 or \n10.0.0.1, ends there.
_BEGIN = r"(?:(?<![\w{}])|(?<=%[0-9a-fA-F][0-9a-fA-F])|(?<=\\[nrt]))"
_ADDRESS = re.compile(_BEGIN.format(".") + r"(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\w)")  # a full stop may end it
_HOST = _BEGIN.format(".-") + r"{}(?![\w-]|\.\w)"
_INTERNAL = re.compile(_HOST.format(r"(?:[a-z0-9-]+\.)+internal"), re.IGNORECASE)
_VIRTUAL = re.compile(_HOST.format(r"(?:private|restricted)\.googleapis\.com"), re.IGNORECASE)
# What stands before an @ may be a password, and a password may hold anything, slashes too.
_OF_URL = re.compile(r"""(?<=://)(?:(?!://)[^\s"<>])*@""")
_RUN = re.compile(r"""[^\s,;"]+""")
_BEFORE_AT = re.compile(r"""(?<![^\s/,;"'])[^\s/,;"']*@""")
_TAG = re.compile(r"(?<![\w./-])((?:[\w-]+\.)+[a-z]+(?::\d+)?(?:/[\w.-]+)+):[\w.-]+(?![\w.:/-])")  # of an image
# Answered on the host itself, never a need: the metadata server, and what Docker and Podman call their own host.
_HOSTS = re.compile(r"metadata\.google\.internal|.*\.docker\.internal|host\.containers\.internal", re.IGNORECASE)


def speaking(job: Job) -> Iterator[str]:
    """What in the job's own words speaks for a need, each with its place."""
    for word in job.words:
        text = "" if word.secret else _TAG.sub(r"\1", _without_userinfo(word.text))
        for address in dict.fromkeys(_ADDRESS.findall(text)):
            if _private(address):
                yield f"{word.place} holds the private address {address}"
        for host in dict.fromkeys(_INTERNAL.findall(text)):
            if not _HOSTS.fullmatch(host):
                yield f"{word.place} holds the internal host {host}"
        for host in dict.fromkeys(map(str.lower, _VIRTUAL.findall(text))):
            yield f"{word.place} names {host}, which only a VPC leads to"


def unread(job: Job) -> str:
    """What might speak and is not read: the places of secrets; empty where there are none."""
    places = [word.place for word in job.words if word.secret]
    if not places:
        return ""
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{', '.join(places[:3])}{more} come from secrets, whose values are not read"


def _without_userinfo(text: str) -> str:
    """The text without what stands before an @: after :// and after `user:` up to the last one, else the word alone."""
    text = _OF_URL.sub("@", text)
    return _BEFORE_AT.sub("@", _RUN.sub(lambda run: _without_password(run[0]), text))


def _without_password(run: str) -> str:
    before, at, after = run.rpartition("@")
    colon = re.search(r":(?!//)", before)
    if not at or not colon:
        return run
    start = max(before.rfind(sign, 0, colon.start()) for sign in "/:'=") + 1
    return f"{before[:start]}@{after}"


def _private(address: str) -> bool:
    try:
        found = IPv4Address(address)
    except ValueError:
        return False
    return any(found in ranges.parse(private) for private in ranges.PRIVATE)
