"""Access tokens: here a token is its principal's e-mail address. What is none, or lacks a scope, is refused.

Switches: `iam.require_token` False: a call without a token is refused; `iam.scopes` {}: the OAuth scopes of the tokens
of a principal (pattern), such as {"dana@example.com": ["compute.readonly"]}; who is not named has all.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.calls import SERVICE_NAMES, Call, Document
from localcloud.documents import discovery
from localcloud.errors import DENIED, UNAUTHENTICATED, ApiError

if TYPE_CHECKING:
    from localcloud.core import Cloud

FORM = re.compile(r"(?!invalid)[^@\s]+@[^@\s]+")
CREDENTIAL = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
# Scopes beside cloud-platform: for everything, and for reading only. Source: the discovery documents' `scopes`.
SCOPES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "compute": (frozenset({"compute"}), frozenset({"compute.readonly"})),
    "dns": (frozenset({"ndev.clouddns.readwrite"}), frozenset({"ndev.clouddns.readonly", "cloud-platform.read-only"})),
    "pubsub": (frozenset({"pubsub"}), frozenset()),
    "logging": (frozenset({"logging.admin"}), frozenset({"logging.read", "cloud-platform.read-only"})),
    "serviceusage": (frozenset({"service.management"}), frozenset({"cloud-platform.read-only"})),
    "cloudresourcemanager": (
        frozenset({"cloudplatformprojects"}),
        frozenset({"cloudplatformprojects.readonly", "cloud-platform.read-only"}),
    ),
}


def authenticate(cloud: Cloud, call: Call) -> None:
    """Refuses a call whose token names nobody, or whose scopes do not cover it.

    Source of the texts: googleapis/google-api-php-client#2479 (no token), the catalogue of recorded errors (the rest).
    """
    who = call.caller.principal
    if who == "anonymous":
        if cloud.switch("iam.require_token"):
            message = f"Request is missing required authentication credential. {CREDENTIAL}"
            raise _nobody(call, message, "CREDENTIALS_MISSING", {"message": "Login Required.", "reason": "required"})
    elif not FORM.fullmatch(who):
        message = f"Request had invalid authentication credentials. {CREDENTIAL}"
        item = {"message": "Invalid Credentials", "reason": "authError"}
        raise _nobody(call, message, "ACCESS_TOKEN_TYPE_UNSUPPORTED", item)
    _check_scopes(cloud, call)


def reads(call: Call) -> bool:
    """Whether a call only looks: what quotas and scopes tell apart."""
    verb = call.method.rpartition(".")[2]
    if verb in ("wait", "getIamPolicy", "testIamPermissions") or call.method == "logging.entries.list":
        return True
    method = discovery.methods().get(call.method)
    return method is not None and method.http == "GET"


def _check_scopes(cloud: Cloud, call: Call) -> None:
    given: dict[str, list[str]] = cloud.switch("iam.scopes")
    scopes = next((found for who, found in given.items() if fnmatchcase(call.caller.principal, who)), None)
    if scopes is None:
        return
    names = {scope.rsplit("/auth/", 1)[-1] for scope in scopes}
    writing, reading = SCOPES.get(call.service, (frozenset(), frozenset()))
    enough = writing | {"cloud-platform"} | (reading if reads(call) else frozenset())
    if names & enough or (call.method == "logging.entries.write" and "logging.write" in names):
        return
    if call.service == "compute":
        message = "Insufficient Permission: Request had insufficient authentication scopes."
        raise ApiError(DENIED, message, reason="insufficientPermissions")
    message = "Request had insufficient authentication scopes."
    raise ApiError(
        DENIED, message, reason="insufficientPermissions", details=[_info(call, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")]
    )


def _nobody(call: Call, message: str, reason: str, item: Document) -> ApiError:
    where = {"domain": "global", "location": "Authorization", "locationType": "header"}
    return ApiError(UNAUTHENTICATED, message, details=[_info(call, reason)], items=[item | where])


def _info(call: Call, reason: str) -> Document:
    metadata = {"service": SERVICE_NAMES.get(call.service, call.service)}
    if method := _method_name(call):
        metadata["method"] = method
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return info | {"metadata": metadata}


def _method_name(call: Call) -> str:
    """The method in protobuf's words, as far as they are known: compute's by rule, others as the activity log does."""
    from localcloud.core import METHODS

    if call.service == "compute":
        _, kind, verb = call.method.split(".")
        return f"compute.{call.version}.{kind[0].upper()}{kind[1:]}Service.{verb[0].upper()}{verb[1:]}"
    method = METHODS.get(call.method)
    return method.audited.method_name if method and method.audited else ""
