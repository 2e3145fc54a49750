"""Every failure of a call to Google, sorted once, here. No exception of a client library leaves the cloud room.

    CloudError
    ├── TryAgainError     the same call may succeed in a moment
    ├── ConflictError     the world has moved: look again
    │   └── UnaskedError  found out just before the call, which was not made
    ├── GoneError         what the call is about is not there
    ├── RefusedError      only somebody else can change that; says who can help
    └── UnfinishedError   Google's operation goes on, and we cannot wait for it

The cause is chained. What Google says when it says no, row by row: tests/cloud/test_errors.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NOBODY = "the account that Wayout runs as"


class CloudError(Exception):
    """A call to Google did not do what it was for. `why` is in words, for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TryAgainError(CloudError):
    """The same call may succeed in a moment.

    `after`: the seconds that Google asks to wait; 0 if it does not say. `limited`: there were too many such calls.
    """

    def __init__(self, why: str, *, after: float = 0.0, limited: bool = False) -> None:
        super().__init__(why)
        self.after, self.limited = after, limited


class ConflictError(CloudError):
    """The world has moved: it exists already, or somebody changed it meanwhile. Look again."""


class UnaskedError(ConflictError):
    """The same, found out when the call's turn had come: it was not made."""


class GoneError(CloudError):
    """What the call is about is not there."""


class RefusedError(CloudError):
    """Trying again is useless. `help` says who or what could change that."""

    def __init__(self, why: str, help: str = "") -> None:  # noqa: A002 - the word that outcomes use
        super().__init__(why)
        self.help = help


class UnfinishedError(CloudError):
    """Google's operation goes on, and our time is up, or we may not ask how it goes: `help` says who could change
    that."""

    def __init__(self, why: str, help: str = "") -> None:  # noqa: A002 - the word that outcomes use
        super().__init__(why)
        self.help = help


@dataclass(frozen=True, slots=True)
class Errand:
    """What a call is for: the permission that it takes, on which resource (relative name), and who calls."""

    permission: str
    resource: str
    whom: str = NOBODY

    @property
    def api(self) -> str:
        """The API that serves it. A permission's first word is its service."""
        return self.permission.split(".", 1)[0] + ".googleapis.com"

    @property
    def reads(self) -> bool:
        """Whether the permission is to look only."""
        return self.permission.rpartition(".")[2].startswith(("get", "list"))

    @property
    def project(self) -> str:
        parts = self.resource.split("/")
        return parts[1] if len(parts) > 1 and parts[0] == "projects" else self.resource


@dataclass(frozen=True, slots=True)
class Failure:
    """What Google said, freed of how it came: HTTP status, message, reason words, ErrorInfo metadata.

    `leaves`: it is the end of an operation that has left a broken thing behind.
    """

    http: int
    message: str
    reasons: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)
    operation: bool = False
    leaves: bool = False
    after: float = 0.0


@contextmanager
def sorting(errand: Errand) -> Iterator[None]:
    """Whatever the client libraries raise inside leaves as a CloudError; anything else passes as it is."""
    try:
        yield
    except CloudError:
        raise
    except Exception as error:
        found = sort(error, errand)
        if found is None:
            raise
        raise found from error


def sort(error: BaseException, errand: Errand) -> CloudError | None:
    """The CloudError that stands for an exception of a client library; None if it is not one."""
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from google.protobuf import json_format

    match error:
        case exceptions.RetryError() if isinstance(error.cause, Exception):
            return sort(error.cause, errand) or TryAgainError(str(error))
        case exceptions.GoogleAPICallError():
            return judge(_failure(error), errand)
        case auth.TransportError():
            return TryAgainError(_first_line(str(error)))
        case auth.DefaultCredentialsError():
            return RefusedError(_first_line(str(error)), f"set up Application Default Credentials for {errand.whom}")
        case auth.GoogleAuthError():
            if error.retryable:
                return TryAgainError(_first_line(str(error)))
            return RefusedError(_first_line(str(error)), f"renew the credentials of {errand.whom}")
        case requests.RequestException() | ConnectionError() | TimeoutError():
            return TryAgainError(f"{errand.api} cannot be reached: {type(error).__name__}")
        case json_format.ParseError() | UnicodeDecodeError() | exceptions.GoogleAPIError():
            return TryAgainError(f"{errand.api} gave an answer that cannot be read: {type(error).__name__}")
    return None


def sort_response(response: Any, errand: Errand) -> CloudError:
    """The CloudError for an unsuccessful `requests.Response`."""
    from google.api_core import exceptions

    from_response: Any = exceptions.from_http_response
    return judge(_failure(from_response(response)), errand)


def sort_status(code: int, message: str, errand: Errand) -> CloudError:
    """The CloudError for the google.rpc.Status with which an operation failed."""
    http, name = _RPC.get(code, (500, "UNKNOWN"))
    leaves = errand.permission in _LEAVES
    return judge(Failure(http, message, frozenset({name}), operation=True, leaves=leaves), errand)


def sort_compute(http: int, errors: list[tuple[str, str]], errand: Errand) -> CloudError:
    """The CloudError for a compute operation that failed with these (code, message) pairs."""
    message = "; ".join(message for _, message in errors if message) or f"the operation failed with status {http}"
    return judge(Failure(http, message, frozenset(code for code, _ in errors)), errand)


# google.rpc.Code -> (HTTP status, name). Source: google/rpc/code.proto.
_RPC = {
    1: (499, "CANCELLED"),
    2: (500, "UNKNOWN"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    11: (400, "OUT_OF_RANGE"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    15: (500, "DATA_LOSS"),
    16: (401, "UNAUTHENTICATED"),
}


def _failure(error: Any) -> Failure:
    """From a GoogleAPICallError, of either wire."""
    reasons = {one["reason"] for one in error.errors if isinstance(one, dict) and "reason" in one}
    # compute answers with `metadatas` inside its details, Python's client looks for an ErrorInfo only
    reasons |= {one["reason"] for one in error.details if isinstance(one, dict) and "reason" in one}
    if error.reason:
        reasons.add(error.reason)
    if error.grpc_status_code is not None and hasattr(error.grpc_status_code, "name"):
        reasons.add(error.grpc_status_code.name)
    message = re.sub(r"^[A-Z]+ https?://\S+: ", "", str(error.message))
    http = int(error.code or 500)
    return Failure(http, message, frozenset(reasons), dict(error.metadata or {}), after=_after(error))


def _after(error: Any) -> float:
    """The seconds that Google asks to wait: in a header, or in a google.rpc.RetryInfo of either wire."""
    said = [str(getattr(error.response, "headers", {}).get("Retry-After", ""))]
    for one in error.details:
        if isinstance(one, dict):
            said.append(str(one.get("retryDelay", "")).removesuffix("s"))
        elif hasattr(one, "retry_delay"):
            said.append(str(one.retry_delay.ToTimedelta().total_seconds()))
    return max(float(text) if _SECONDS.fullmatch(text) else 0.0 for text in said)


# In order: what is said in reasons and messages is more exact than a status, which several causes share.
_PASSING = re.compile(
    r"rate limit exceeded|per minute|retry this operation|is in progress|is not ready$", re.IGNORECASE
)
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,9})?")
_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
_PASSING_REASONS = _LIMITS | {
    "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
    "resourceNotReady",
    "RESOURCE_NOT_READY",
    "operationInProgress",
    "OPERATION_IN_PROGRESS",
    "ZONE_RESOURCE_POOL_EXHAUSTED",
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
}
_FULL = "ZONE_RESOURCE_POOL_EXHAUSTED"
_LEAVES = {"vpcaccess.connectors.create"}  # whose failure is a connector in ERROR that holds the name and the subnet
_USED = re.compile(r"is already being used by '?(?P<by>[^'\s]+)'?")
_DISABLED = re.compile(r"has not been used in project \S+ before or it is disabled")
_POLICY = re.compile(r"constraints/[\w.]+|customConstraints/[\w.]+|Constraint (custom\.[\w.]+)")
_QUOTA = re.compile(r"quota '[\w-]+' exceeded|insufficient \w+ quota|exhausted .*quota", re.IGNORECASE)
# A range that was free when we looked and is not any more is a race lost, not a mistake.
_MOVED = re.compile(r"etag|fingerprint|^Conflict for resource |^Invalid IPCidrRange: \S+ conflicts with", re.IGNORECASE)
_MISSING = re.compile(
    r"""(?:Required\ '(?P<p1>[\w.]+)'\ permission\ for\ '(?P<r1>[^']+)'
       |Permission\ '(?P<p2>[\w.]+)'\ denied\ on\ (?:resource|service\ account)\ '?(?P<r2>[^\s']+)'?)""",
    re.VERBOSE,
)
_ACT_AS = "iam.serviceAccounts.actAs"  # no role takes it as Cloud Run's refusal spells it: iam.serviceaccounts.actAs
_ROLE = re.compile(r"\((?P<who>\S+@\S+)\) needs (?P<role>.+? role)")
_CONNECTOR = re.compile(r"VPC connector (?P<name>\S+) does not exist, or Cloud Run does not have permission to use it")


def judge(failure: Failure, errand: Errand) -> CloudError:
    """Which kind of failure it is; Google's own message is kept as the reason, in one line."""
    why = _first_line(failure.message)
    if failure.leaves:
        return RefusedError(why, _help(failure, errand))  # refusals are counted; tried again, it would be for ever
    if failure.http == 404 or failure.reasons & {"RESOURCE_NOT_FOUND", "notFound"}:
        return GoneError(why)
    if _passes(failure):
        limited = failure.http == 429 or bool(failure.reasons & _LIMITS) or "per minute" in failure.message
        return TryAgainError(why, after=failure.after, limited=limited)
    if failure.reasons & {"SERVICE_DISABLED", "accessNotConfigured"} or _DISABLED.search(failure.message):
        api = failure.metadata.get("service") or errand.api
        return RefusedError(why, f"enable {api} in project {errand.project}")
    if _moved(failure):
        # A read changes nothing that could be in anybody's way: whatever is, will pass.
        return TryAgainError(why) if errand.reads else ConflictError(why)
    return RefusedError(why, _help(failure, errand))


def _passes(failure: Failure) -> bool:
    if failure.reasons & _PASSING_REASONS or _FULL in failure.message:
        return True
    if failure.operation and failure.reasons & {"INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED", "DATA_LOSS"}:
        return False
    if _PASSING.search(failure.message):
        return True
    return failure.http in (408, 429, 499) or (failure.http >= 500 and failure.http != 501)


def _moved(failure: Failure) -> bool:
    if _POLICY.search(failure.message):
        return False
    if failure.http == 409 or failure.reasons & {"RESOURCE_ALREADY_EXISTS", "alreadyExists"}:
        return True
    return failure.http == 412 or (failure.http == 400 and bool(_MOVED.search(failure.message)))


def _help(failure: Failure, errand: Errand) -> str:
    """Who or what could change a refusal."""
    message = failure.message
    if found := _POLICY.search(message):
        name = found[1] or found[0]
        return f"change the organisation policy {name} for project {errand.project}, or what it was asked for"
    if failure.reasons & {"QUOTA_EXCEEDED", "quotaExceeded"} or _QUOTA.search(message):
        return f"ask for more quota in project {errand.project}"
    if found := _ROLE.search(message):
        return f"grant {found['who']} the {found['role']} in project {errand.project}"
    if found := _CONNECTOR.search(message):
        return f"let Cloud Run's service agent of project {errand.project} use {found['name']} (roles/vpcaccess.user)"
    if credentials := _credentials(failure, errand):
        return credentials
    if _FULL in message:
        return "come back later, or give the profile's connector another machine type: Google has no more of this one"
    if found := _USED.search(message):
        return f"free it from {found['by']} first"
    if failure.http >= 500:
        return f"look at the quotas and organisation policies of project {errand.project}; else ask Google's support"
    return "look at what the profile asks for; if that is right, tell the makers of Wayout what Google says here"


def _credentials(failure: Failure, errand: Errand) -> str:
    """What whoever called lacks; empty where it is not the caller."""
    if "authentication scopes" in failure.message or failure.reasons & {"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}:
        return f"give {errand.whom} credentials with the scope https://www.googleapis.com/auth/cloud-platform"
    if failure.http == 401:
        return f"renew the credentials of {errand.whom}"
    if failure.http != 403:
        return ""
    missing = _missing(failure, errand)
    binding = _act_as(missing, errand)
    return f"grant {missing} to {errand.whom}" + (f": {binding}" if binding else "")


def _act_as(missing: str, errand: Errand) -> str:
    """The command that lets us act as a job's service account: every update of a job takes it, even if the account
    stays the same (seen live)."""
    permission, _, resource = missing.partition(" on ")
    account = resource.rsplit("/", 1)[-1]
    if permission != _ACT_AS or "@" not in account:
        return ""
    member = errand.whom if "@" in errand.whom else "WAYOUT_ACCOUNT"
    role = "roles/iam.serviceAccountUser"
    command = f"gcloud iam service-accounts add-iam-policy-binding {account}"
    return f"{command} --member=serviceAccount:{member} --role={role}"


def _missing(failure: Failure, errand: Errand) -> str:
    """`PERMISSION on RESOURCE`: as Google names them, else as the errand does."""
    found = _MISSING.search(failure.message)
    said = {} if found is None else {key: text for key, text in found.groupdict().items() if text}
    permission = failure.metadata.get("permission") or said.get("p1") or said.get("p2") or errand.permission
    if permission.lower() == _ACT_AS.lower():
        permission = _ACT_AS
    resource = failure.metadata.get("resource") or said.get("r1") or said.get("r2") or errand.resource
    return f"{permission} on {resource.removeprefix('//').removeprefix(errand.api + '/')}"


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:500]
