"""What a translation between two versions of an API cannot say is kept: a merge of three documents."""

from __future__ import annotations

from typing import Any

from localcloud.calls import Document

# Fields of v1 that are maps: an empty one says nothing, while an empty message (`emptyDir: {}`) says that it is there.
MAPS = frozenset({"labels", "annotations", "nodeSelector", "limits", "requests", "volumeAttributes"})


def plain(document: Any) -> Any:
    """A copy without what proto JSON does not write: empty texts, empty lists and empty maps."""
    if isinstance(document, list):
        return [plain(one) for one in document]
    if not isinstance(document, dict):
        return document
    found = {key: plain(value) for key, value in document.items()}
    return {key: value for key, value in found.items() if value not in ("", []) and not (key in MAPS and not value)}


def picked(document: Document, *names: str) -> Document:
    """Those fields of a document that are there and say something."""
    return {name: document[name] for name in names if document.get(name) not in (None, "", [])}


def merged(kept: Any, again: Any, now: Any) -> Any:
    """`now`, with what the translation of `kept` had lost: `again` is `kept` there and back again.

    Where `now` still says what `again` says, nobody has changed it, and `kept` is the truer spelling. A field that only
    `kept` has was lost on the way there, and stays. A field that `again` has and `now` has not was taken away.
    """
    if isinstance(kept, dict) and isinstance(now, dict):
        before = again if isinstance(again, dict) else {}
        found = {key: merged(kept[key], before.get(key), one) if key in kept else one for key, one in now.items()}
        return found | {key: one for key, one in kept.items() if key not in now and key not in before}
    if _documents(kept) and _documents(again) and _documents(now):
        return _lists(kept, again, now)
    return kept if again == now else now


def _documents(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _lists(kept: list[Any], again: list[Any], now: list[Any]) -> list[Any]:
    """Elements are matched by their names, or by their places when they have none and are as many as before."""
    if all("name" in one for one in [*kept, *again, *now]):
        old, came = ({one["name"]: one for one in several} for several in (kept, again))
        return [merged(old[one["name"]], came.get(one["name"]), one) if one["name"] in old else one for one in now]
    if len(kept) == len(again) == len(now):
        return [merged(*three) for three in zip(kept, again, now, strict=True)]
    return now
