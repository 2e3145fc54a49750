"""Starting the three kinds of change: a resource comes, changes or goes when its operation ends, not before."""

from __future__ import annotations

from collections.abc import Callable

from localcloud import lag
from localcloud.calls import Call, Document
from localcloud.compute.common import NETWORKS, SUBNETWORKS, Kind, absent, book, existing, exists, not_ready
from localcloud.core import Cloud
from localcloud.operations import start_compute


def _nothing() -> None:
    """No further work, no further check."""


def create(
    cloud: Cloud,
    call: Call,
    kind: Kind,
    name: str,
    document: Document,
    *,
    check: Callable[[], None],
    late: Callable[[], None] = _nothing,
    then: Callable[[], None] = _nothing,
) -> Document:
    """Start making `document`. `check` is asked now and again at the end, `late` only then; `then` runs at last."""
    if name in cloud.table(kind.table) or name in book(cloud).busy:
        raise exists(name)
    check()
    book(cloud).busy[name] = document
    book(cloud).ids[name] = document["id"]
    fails = _failing(cloud)

    def finish() -> None:
        del book(cloud).busy[name]
        fails()
        check()
        late()
        _show(cloud, kind, name, document)
        then()

    return _start(cloud, call, kind, name, document["id"], "insert", finish)


def change(
    cloud: Cloud,
    call: Call,
    kind: Kind,
    name: str,
    document: Document,
    *,
    word: str,
    check: Callable[[], None] = _nothing,
    then: Callable[[], None] = _nothing,
) -> Document:
    """Start turning the resource into `document`. `word` is compute's operationType."""
    current = settled(cloud, kind, name)
    check()
    book(cloud).busy[name] = None
    fails = _failing(cloud)

    def finish() -> None:
        del book(cloud).busy[name]
        fails()
        if name not in cloud.table(kind.table):
            raise absent(name)
        check()
        _show(cloud, kind, name, document)
        then()

    return _start(cloud, call, kind, name, current["id"], word, finish)


def remove(
    cloud: Cloud,
    call: Call,
    kind: Kind,
    name: str,
    *,
    check: Callable[[], None] = _nothing,
    late: Callable[[], None] | None = None,
    then: Callable[[], None] = _nothing,
) -> Document:
    """Start removing the resource. `check` is asked now, and at the end `late` (or `check` once more)."""
    current = settled(cloud, kind, name)
    check()
    book(cloud).busy[name] = None
    fails = _failing(cloud)

    def finish() -> None:
        del book(cloud).busy[name]
        fails()
        (late or check)()
        lag.keep(cloud, kind.table, name, _lag(cloud))
        cloud.table(kind.table).pop(name, None)
        then()

    return _start(cloud, call, kind, name, current["id"], "delete", finish)


def _failing(cloud: Cloud) -> Callable[[], None]:
    """What an operation asks at its end: whether it was to fail on demand, without any effect."""
    doomed = cloud.doom()

    def ask() -> None:
        if doomed:
            raise doomed

    return ask


def settled(cloud: Cloud, kind: Kind, name: str) -> Document:
    """The resource, if nothing is under way on it."""
    if name in book(cloud).busy or lag.unsettled(cloud, name):
        raise not_ready(name)
    return existing(cloud, kind, name)


def _show(cloud: Cloud, kind: Kind, name: str, document: Document) -> None:
    """Put a resource in its table; readers may see it later, and its network may not be ready at once."""
    lag.keep(cloud, kind.table, name, _lag(cloud))
    cloud.table(kind.table)[name] = document
    if kind in (NETWORKS, SUBNETWORKS):
        lag.unsettle(cloud, name)


def _lag(cloud: Cloud) -> float:
    return float(cloud.switch("compute.read_lag"))


def put(cloud: Cloud, kind: Kind, name: str, document: Document) -> None:
    """Have a resource there at once, as Google's own agents and auto-mode networks do."""
    cloud.table(kind.table)[name] = document
    book(cloud).ids[name] = document["id"]


def _start(
    cloud: Cloud, call: Call, kind: Kind, name: str, id_: str, word: str, finish: Callable[[], None]
) -> Document:
    return start_compute(
        cloud,
        call,
        project=name.split("/")[1],
        target=name,
        target_id=id_,
        kind=word,
        region=name.split("/")[3] if kind.regional else None,
        seconds=cloud.duration(call.method),
        finish=finish,
    )
