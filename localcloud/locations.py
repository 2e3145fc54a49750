"""Names of resources in a location, such as `projects/P/locations/R/jobs/J`."""

from __future__ import annotations

from localcloud.core import Cloud
from localcloud.errors import INVALID, ApiError


def parts(cloud: Cloud, name: str, *kinds: str) -> list[str]:
    """The project id, the location and what `kinds` name further on; the project may be given as a number.

    Raises INVALID_ARGUMENT when `name` is not of that form.
    """
    expected = ("projects", "locations", *kinds)
    pieces = name.split("/")
    if tuple(pieces[::2]) != expected or len(pieces) != 2 * len(expected) or not all(pieces):
        form = "/".join(f"{kind}/{{{kind[:-1]}}}" for kind in expected)
        raise ApiError(INVALID, f"Invalid resource name '{name}': it must be of the form {form}.")
    return [cloud.project_id(pieces[1]), *pieces[3::2]]


def joined(*values: str, kinds: tuple[str, ...] = ()) -> str:
    """The name that `parts` takes apart."""
    return "/".join(f"{kind}/{value}" for kind, value in zip(("projects", "locations", *kinds), values, strict=True))
