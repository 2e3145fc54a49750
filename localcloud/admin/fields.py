"""Reading the fields of a request to the admin surface, with refusals that name the field."""

from __future__ import annotations

import math
from typing import Any

_NOTHING: Any = object()


class WrongField(ValueError):  # noqa: N818 - it reads as what it says
    """A field that is missing or cannot be what it is."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field


class Fields:
    """A JSON object whose fields are asked for by name and kind."""

    def __init__(self, given: Any) -> None:
        if not isinstance(given, dict):
            raise WrongField("", "the body must be a JSON object")
        self._given: dict[str, Any] = given

    def everything(self) -> dict[str, Any]:
        """All fields, as they came."""
        return dict(self._given)

    def text(self, name: str, default: Any = _NOTHING) -> str:
        """A string; not an empty one, unless it has a default."""
        value = self._get(name, default)
        if not isinstance(value, str) or (default is _NOTHING and not value):
            raise WrongField(name, f"must be a string, not {value!r}")
        return value

    def number(self, name: str, default: Any = _NOTHING) -> float:
        """A number that is not negative, or such a number as text (from a query)."""
        value = self._get(name, default)
        try:
            found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        except ValueError:
            found = math.nan
        if not (found >= 0 and math.isfinite(found)):
            raise WrongField(name, f"must be a number of at least 0, not {value!r}")
        return found

    def whole(self, name: str, default: Any = _NOTHING) -> int:
        """A whole number that is not negative."""
        found = self.number(name, default)
        if found != int(found):
            raise WrongField(name, f"must be a whole number, not {found!r}")
        return int(found)

    def flag(self, name: str, default: Any = _NOTHING) -> bool:
        """True or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise WrongField(name, f"must be true or false, not {value!r}")
        return value

    def _get(self, name: str, default: Any) -> Any:
        if name not in self._given and default is _NOTHING:
            raise WrongField(name, "is missing")
        return self._given.get(name, default)
