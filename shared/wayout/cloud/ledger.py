"""The ledger: every change, with what was before and after, in Cloud Logging; enough to undo it, and never a secret.

One entry per outcome in `projects/HOME/logs/LEDGER`. Labels: `site`, `subject`, `verb`, `result`. JSON: `plan`, `verb`,
`kind`, `subject`, `because`, `before`, `after`, `result`, `detail`, `cause`, `at`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from wayout.cloud import log
from wayout.cloud.clients import GRPC, Clients
from wayout.cloud.errors import CloudError, GoneError, RefusedError, TryAgainError
from wayout.cloud.settings import Settings
from wayout.egress.model import (
    Attach,
    Cause,
    Change,
    Create,
    HistoryOf,
    Outcome,
    Past,
    Present,
    Remove,
    Sighting,
    Site,
    Unreadable,
    Update,
    kind,
    subject,
)
from wayout.egress.names import Name

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.types import LogEntry

REMEMBERED = timedelta(hours=24)
MOST = 200  # entries of a site's history that are read; the newest ones
PAGES = 20
_VERBS: dict[type, str] = {Create: "create", Update: "update", Remove: "remove", Attach: "attach"}


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Writes and reads the ledger of the home project. `now` tells the time that entries are stamped with."""

    def __init__(
        self, settings: Settings, clients: Clients | None = None, *, now: Callable[[], datetime] = _now
    ) -> None:
        self._settings = settings
        self._clients = clients or Clients(settings)
        self._now = now
        self._project = f"projects/{settings.project}"
        self.log_name = f"{self._project}/logs/{quote(settings.ledger_log, safe='')}"

    def write(self, outcomes: Sequence[Outcome], *, plan_id: str, cause: Cause, site: Site) -> None:
        """Write what became of a plan's changes. What cannot be written is said on standard output, and raised."""
        at = self._now()
        records = [_record(one, plan_id, cause, at) for one in outcomes]
        if not records:
            return
        try:
            self._write(records, site, at)
        except CloudError as error:
            log.error("the ledger could not be written", site=str(site), why=error.why, entries=records)
            raise

    def _write(self, records: list[dict[str, Any]], site: Site, at: datetime) -> None:
        from google.api.monitored_resource_pb2 import MonitoredResource
        from google.cloud.logging_v2.types import LogEntry

        entries = [
            LogEntry(
                log_name=self.log_name,
                resource=MonitoredResource(type="global", labels={"project_id": self._settings.project}),
                timestamp=at,
                severity="NOTICE" if record["result"] not in ("refused", "put off") else "WARNING",
                insert_id=uuid.uuid4().hex,  # the same within one call's retries, so that none is written twice
                labels={"site": str(site)} | {key: str(record[key]) for key in ("subject", "verb", "result")},
                json_payload=record,
            )
            for record in records
        ]
        request = {"log_name": self.log_name, "entries": entries}
        self._clients.ask(
            "logging.logEntries.create",
            self._project,
            lambda: self._logs.write_log_entries(request=request, **GRPC),
        )

    def history(self, read: HistoryOf) -> Sighting[tuple[Past, ...]]:
        """What the last 24 hours hold of a site, newest first, 200 at most. Raises TryAgainError."""
        now = self._now()
        since = (now - REMEMBERED).isoformat().replace("+00:00", "Z")
        request = {
            "resource_names": [self._project],
            "filter": f'logName="{self.log_name}" AND labels.site="{_quoted(str(read.site))}" AND timestamp>="{since}"',
            "order_by": "timestamp desc",
            "page_size": MOST,
        }
        try:
            entries = self._clients.ask("logging.logEntries.list", self._project, lambda: self._listed(request))
        except RefusedError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", error.help)
        except GoneError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", f"check that {self._project} is there")
        if entries is None:
            raise TryAgainError("the ledger is still being searched")
        return Present(tuple(_past(one, now) for one in entries))

    def _listed(self, request: dict[str, Any]) -> list[LogEntry] | None:
        """The entries; None if the search does not end: Cloud Logging gives empty pages while it goes on."""
        found: list[LogEntry] = []
        for page in islice(self._logs.list_log_entries(request=request, **GRPC).pages, PAGES):
            found += page.entries
            if len(found) >= MOST or not page.next_page_token:
                return found[:MOST]
        return None

    @property
    def _logs(self) -> LoggingServiceV2Client:
        from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
        from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

        endpoint = self._settings.endpoint_logging or "logging.googleapis.com"
        return self._clients.other("logs", LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)


def _record(outcome: Outcome, plan_id: str, cause: Cause, at: datetime) -> dict[str, Any]:
    change = outcome.change
    before, after = _sides(change)
    record = {
        "plan": plan_id,
        "verb": _VERBS[type(change)],
        "kind": kind(change),
        "subject": subject(change),
        "because": change.because,
        "before": before,
        "after": after,
        "result": outcome.result.value,
        "detail": outcome.detail,
        "cause": plain(cause),
        "at": at.isoformat(),
    }
    return cast("dict[str, Any]", log.redacted(record))


def _sides(change: Change) -> tuple[Any, Any]:
    """Before and after. Of a job no more than what is ours to change, and the etag that it had."""
    match change:
        case Create(thing):
            return None, plain(thing)
        case Update(thing, was):
            return plain(was), plain(thing)
        case Remove(thing):
            return plain(thing), None
        case Attach(etag=etag, way=way, was=was):
            return {"vpcAccess": plain(was), "etag": etag}, {"vpcAccess": plain(way)}


def plain(value: object) -> Any:
    """A frozen value as plain JSON: names as text, enums as their value, the rest field by field."""
    if isinstance(value, Name | Site):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def _past(entry: LogEntry, now: datetime) -> Past:
    labels = dict(entry.labels)
    said = entry.json_payload
    detail = str(said.get("detail", "")) if said else ""
    hours = max(0.0, (now - entry.timestamp).total_seconds() / 3600)
    return Past(labels.get("verb", ""), labels.get("subject", ""), labels.get("result", ""), detail, hours)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
