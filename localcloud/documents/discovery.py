"""The published discovery documents, pruned: which method a path means, and which parameters and body it takes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.calls import Document

FOLDER = Path(__file__).parent / "published"

# Accepted everywhere though not listed (or not everywhere listed) in the documents: the first five are in Google's
# own "system parameters"; gcloud sends returnPartialSuccess, client libraries the long form of `$alt`.
SYSTEM_PARAMETERS = frozenset(
    {"alt", "$alt", "$.xgafv", "$prettyPrint", "prettyPrint", "pp", "fields", "$fields", "key", "$key"}
    | {"quotaUser", "userProject", "$userProject", "userIp", "access_token", "oauth_token", "bearer_token"}
    | {"callback", "uploadType", "upload_protocol", "returnPartialSuccess"}
)


@dataclass(frozen=True)
class ApiMethod:
    """One REST method. `pattern` matches the whole path without its leading slash, and names its path parameters."""

    id: str
    http: str
    pattern: re.Pattern[str]
    query: frozenset[str]
    request: str | None
    response: str | None
    document: Api = field(repr=False)

    @property
    def service(self) -> str:
        return self.document.service


@dataclass(frozen=True, eq=False)
class Api:
    """One discovery document."""

    service: str
    schemas: Document = field(repr=False)
    methods: list[ApiMethod] = field(default_factory=list, repr=False)

    def find(self, http: str, path: str) -> tuple[ApiMethod, dict[str, str]] | None:
        """The method that `path` (no leading slash) means, with its path parameters."""
        for method in self.methods:
            if method.http == http and (match := method.pattern.fullmatch(path)):
                return method, match.groupdict()
        return None


@cache
def apis() -> dict[str, Api]:
    """Every document by the name and version of its service, such as `run.v2`."""
    return {path.stem: _read(json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))}


@cache
def methods() -> dict[str, ApiMethod]:
    """Every served method by its id."""
    return {method.id: method for api in apis().values() for method in api.methods}


def find(http: str, path: str, service: str | None = None) -> tuple[ApiMethod, dict[str, str]] | None:
    """The method that a request means, among those of one service or of all."""
    for api in apis().values():
        if (service is None or api.service == service) and (found := api.find(http, path)):
            return found
    return None


def service_of(path: str) -> str:
    """The service that a path seems to be meant for, so that a 404 has the right shape."""
    if path.startswith("compute/"):
        return "compute"
    return "dns" if path.startswith("dns/") else "run"


def _read(document: Document) -> Api:
    api = Api(document["name"], document["schemas"])
    common = SYSTEM_PARAMETERS | set(document["parameters"])
    for id_, method in document["methods"].items():
        parameters: Document = method.get("parameters", {})
        query = {name for name, one in parameters.items() if one["location"] == "query"}
        request = method.get("request", {}).get("$ref")
        if request and "updateMask" in api.schemas[request].get("properties", {}):
            query.add("updateMask")  # taken there too. Source: a recorded patch of a Pub/Sub subscription
        pattern = _pattern(document["servicePath"] + method["path"], parameters)
        response = method.get("response", {}).get("$ref")
        known = frozenset(common | query)
        api.methods.append(ApiMethod(id_, method["httpMethod"], pattern, known, request, response, api))
    return api


def _pattern(template: str, parameters: Document) -> re.Pattern[str]:
    """`v2/{+parent}/jobs` with its parameter's own pattern in place. No part swallows a custom verb such as `:run`."""

    def piece(text: str) -> str:
        name = text.strip("{+}")
        if not text.startswith("{"):
            return re.escape(text)
        if not text.startswith("{+"):
            return f"(?P<{name}>[^/:]+)"
        inner = parameters[name].get("pattern", "^.+$").removeprefix("^").removesuffix("$")
        return f"(?P<{name}>{inner.replace('[^/]+', '[^/:]+')})"

    return re.compile("".join(piece(text) for text in re.split(r"(\{[^}]+\})", template)))
