"""What Pub/Sub accepts: names, and the fields of a subscription with their defaults and bounds."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from localcloud.calls import Call, Document
from localcloud.core import Cloud
from localcloud.errors import INVALID, ApiError
from localcloud.pubsub import filter as pubsubfilter
from localcloud.pubsub.mailroom import seconds_of

_SHORT = re.compile(r"(?!goog)[A-Za-z][\w\-.~+%]{2,254}")
_DAY = 86_400.0


def invalid(message: str) -> ApiError:
    """The refusal of an argument."""
    return ApiError(INVALID, message)


def named(cloud: Cloud, name: str, kind: str, *, new: bool = False) -> str:
    """The canonical name (project id) of `projects/P/KIND/X`. Raises what Pub/Sub says of any other name."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "projects" or parts[2] != kind or not parts[3]:
        raise _bad_name(name)
    if new and not _SHORT.fullmatch(parts[3]):
        raise _bad_name(name)
    return f"projects/{cloud.project_id(parts[1])}/{kind}/{parts[3]}"


def _bad_name(name: str) -> ApiError:
    return invalid(
        f"Invalid resource name given (name={name}). Refer to "
        "https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    )


def subscription_of(cloud: Cloud, given: Document) -> Document:
    """A subscription with Google's defaults filled in. Raises for what Google would refuse."""
    _check_filter(given.get("filter") or "")
    made = {key: copy.deepcopy(value) for key, value in given.items() if value not in (None, "", [], 0)}
    made["state"] = "ACTIVE"
    made["ackDeadlineSeconds"] = _deadline(given.get("ackDeadlineSeconds"))
    made["messageRetentionDuration"] = _duration(
        made, "messageRetentionDuration", default=7 * _DAY, low=600.0, high=31 * _DAY
    )
    if made.get("expirationPolicy") is None:
        made["expirationPolicy"] = {"ttl": "2678400s"}
    made["pushConfig"] = _push_config(made.get("pushConfig") or {})
    if "retryPolicy" in made:
        made["retryPolicy"] = _retry_policy(made["retryPolicy"])
    if not made.get("deadLetterPolicy"):
        made.pop("deadLetterPolicy", None)
    else:
        made["deadLetterPolicy"] = _dead_letter_policy(cloud, made["deadLetterPolicy"])
    return made


def _check_filter(text: str) -> None:
    try:
        pubsubfilter.compile(text) if text else None
    except pubsubfilter.FilterError as wrong:
        raise invalid(f"Invalid filter given (filter={text}): {wrong}.") from None


def _deadline(given: Any) -> int:
    seconds = int(given or 10)
    if not 10 <= seconds <= 600:
        raise invalid(f"Invalid ack deadline given (ack_deadline_secs={seconds}): 10 to 600 seconds are allowed.")
    return seconds


def _duration(given: Document, key: str, *, default: float, low: float, high: float) -> str:
    text = given.get(key) or f"{default:g}s"
    try:
        seconds = seconds_of(text)
    except (ValueError, AttributeError):
        raise invalid(f"Invalid value at '{key}' (type.googleapis.com/google.protobuf.Duration), {text!r}") from None
    if not low <= seconds <= high:
        raise invalid(f"The value for {key} is out of range. You passed {text}; {low:g}s to {high:g}s is allowed.")
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds}s"


def as_written(subscription: Document) -> Document:
    """A subscription as the answer to its writing shows it: with the version of its pushes. Source: recorded."""
    config = subscription.get("pushConfig", {})
    if not config.get("pushEndpoint"):
        return dict(subscription)
    attributes = {"x-goog-version": "v1"} | config.get("attributes", {})
    return subscription | {"pushConfig": config | {"attributes": attributes}}


def as_read(subscription: Document) -> Document:
    """A subscription as a read shows it: without the attributes of its pushes. Source: recorded."""
    config = {key: one for key, one in subscription.get("pushConfig", {}).items() if key != "attributes"}
    return subscription | {"pushConfig": config}


def _push_config(given: Document) -> Document:
    endpoint = given.get("pushEndpoint", "")
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise invalid(f"Invalid push endpoint given (endpoint={endpoint}). It must be an absolute URL.")
    if "oidcToken" in given and not given["oidcToken"].get("serviceAccountEmail"):
        raise invalid("oidc_token.service_account_email must be given.")
    if "noWrapper" in given and not given["noWrapper"].get("writeMetadata"):
        return given | {"noWrapper": {}}
    return given


def _retry_policy(given: Document) -> Document:
    made = {
        "minimumBackoff": _duration(given, "minimumBackoff", default=10.0, low=0.0, high=600.0),
        "maximumBackoff": _duration(given, "maximumBackoff", default=600.0, low=0.0, high=600.0),
    }
    if seconds_of(made["minimumBackoff"]) > seconds_of(made["maximumBackoff"]):
        raise invalid("The minimum backoff of a retry policy must not be more than its maximum backoff.")
    return made


def _dead_letter_policy(cloud: Cloud, given: Document) -> Document:
    attempts = int(given.get("maxDeliveryAttempts") or 5)
    if not 5 <= attempts <= 100:
        raise invalid(f"max_delivery_attempts must be between 5 and 100, not {attempts}.")
    topic = named(cloud, str(given.get("deadLetterTopic", "")), "topics")
    return {"deadLetterTopic": topic, "maxDeliveryAttempts": attempts}


def merge(old: Document, given: Document, call: Call, *, fixed: tuple[str, ...] = ()) -> Document:
    """`old` with the fields of `given` that the call's updateMask names, in camelCase or snake_case."""
    mask = call.params.get("updateMask") or call.body.get("updateMask") or ""
    if not mask:
        raise invalid("The update_mask in the request must be set and contain valid fields.")
    merged = copy.deepcopy(old)
    for path in str(mask).split(","):
        parts = [_camel(part) for part in path.strip().split(".")]
        if parts[0] in ("name", "state", *fixed):
            raise invalid(f"Invalid update_mask provided in the request: '{path}' is not a known or mutable field.")
        _graft(merged, given, parts)
    return merged


def _graft(into: Document, source: Document, parts: list[str]) -> None:
    for part in parts[:-1]:
        into = into.setdefault(part, {})
        source = source.get(part) or {}
    value = source.get(parts[-1])
    if value is None:
        into.pop(parts[-1], None)
    else:
        into[parts[-1]] = copy.deepcopy(value)


def _camel(text: str) -> str:
    upper: Callable[[re.Match[str]], str] = lambda found: found[1].upper()  # noqa: E731
    return re.sub(r"_([a-z])", upper, text)
