"""The ledger: every change, with what was before and after, in Cloud Logging; enough to undo it, and never a secret.

One entry per outcome in `projects/HOME/logs/LEDGER`. Labels: `site`, `subject`, `verb`, `result`, `mark`. JSON: `plan`,
`verb`, `kind`, `subject`, `because`, `before`, `after`, `result`, `detail`, `who`, `mark`, `cause`, `at`. And one entry
whenever a site was seen without jobs (`verb` idle) or with some (`busy`): no history shows them, IdleSince counts them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from wayout.cloud import log
from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.errors import CloudError, GoneError, RefusedError, TryAgainError
from wayout.cloud.settings import Settings
from wayout.egress.marks import mark, plain, sides
from wayout.egress.model import (
    Absent,
    Attach,
    Cause,
    Create,
    HistoryOf,
    IdleSince,
    Outcome,
    Past,
    Present,
    Remove,
    Sighting,
    Site,
    SitesTouched,
    Unreadable,
    Update,
    kind,
    subject,
)

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.types import LogEntry

REMEMBERED = timedelta(hours=24)
KEPT = timedelta(days=30)  # how long Cloud Logging keeps what nobody told it to keep longer
MOST = 200  # entries of a site's history that are read; the newest ones
MOST_AN_HOUR = 1000  # entries of all sites that are read, a page of Cloud Logging; a site takes about fifteen
DONE = ("created", "updated", "removed")
PAGES = 20
_VERBS: dict[type, str] = {Create: "create", Update: "update", Remove: "remove", Attach: "attach"}
IDLE, BUSY = "idle", "busy"
_LABELS = ("subject", "verb", "result", "mark")


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

    def write(
        self, outcomes: Sequence[Outcome], *, plan_id: str, cause: Cause, site: Site, looked: datetime | None = None
    ) -> None:
        """Write what became of a plan's changes, and since when it was `looked` at what the plan says.

        What cannot be written is said on standard output, and raised.
        """
        at = self._now()
        since = {"looked": looked.isoformat()} if looked else {}
        self._say([_record(one, plan_id, cause, at) | since for one in outcomes], site, at)

    def idle(self, site: Site, idle: bool, cause: Cause) -> None:
        """Write that a site was seen without jobs and executions, or with some. Failures as in `write`."""
        at = self._now()
        about = {"verb": IDLE if idle else BUSY, "kind": "site", "subject": str(site), "result": "seen"}
        said = log.redacted({"who": cause.who, "cause": plain(cause), "at": at.isoformat()})
        self._say([about | said], site, at)

    def _say(self, records: list[dict[str, Any]], site: Site, at: datetime) -> None:
        if not records:
            return
        try:
            self._write(records, site, at)
        except CloudError as error:
            help_ = error.help if isinstance(error, RefusedError) else ""
            log.error("the ledger could not be written", site=str(site), why=error.why, help=help_, entries=records)
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
                labels={"site": str(site)} | {key: str(record[key]) for key in _LABELS if key in record},
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

    def history(self, read: HistoryOf | IdleSince | SitesTouched) -> Sighting[Any]:
        """What the last 24 hours hold of a site, newest first, 200 at most; or for how many days it has been idle, as
        far as 30 days tell; or which sites were changed within the hour. Raises TryAgainError.
        """
        try:
            if isinstance(read, SitesTouched):
                return self._touched()
            return self._idle_since(read) if isinstance(read, IdleSince) else self._past(read)
        except RefusedError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", error.help)
        except GoneError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", f"check that {self._project} is there")

    def _past(self, read: HistoryOf) -> Sighting[tuple[Past, ...]]:
        now = self._now()
        changes = f'labels.verb!="{IDLE}"', f'labels.verb!="{BUSY}"', f'timestamp>="{_stamp(now - REMEMBERED)}"'
        return Present(tuple(_past(one, now) for one in self._found(read.site, MOST, *changes)))

    def _idle_since(self, read: IdleSince) -> Sighting[float]:
        """The first time that it was seen idle since it was last seen busy: two entries, however many there are."""
        now = self._now()
        since = f'timestamp>="{_stamp(now - KEPT)}"'
        for busy in self._found(read.site, 1, f'labels.verb="{BUSY}"', since):
            since = f'timestamp>"{_stamp(busy.timestamp)}"'
        for idle in self._found(read.site, 1, f'labels.verb="{IDLE}"', since, order="timestamp asc"):
            return Present(max(0.0, (now - idle.timestamp) / timedelta(days=1)))
        return Absent()

    def _touched(self) -> Sighting[tuple[str, ...]]:
        done = " OR ".join(f'labels.result="{word}"' for word in DONE)
        since = f'timestamp>="{_stamp(self._now() - timedelta(hours=1))}"'
        found = self._found(None, MOST_AN_HOUR, since, f"({done})")
        return Present(tuple(sorted({one.labels["site"] for one in found})))

    def _found(self, site: Site | None, most: int, *terms: str, order: str = "timestamp desc") -> list[LogEntry]:
        """Entries about a site, or about all of them; `most` at most."""
        about = [f'labels.site="{_quoted(str(site))}"'] if site else []
        filter_ = [f'logName="{self.log_name}"', *about, *terms]
        request = {
            "resource_names": [self._project],
            "filter": " AND ".join(filter_),
            "order_by": order,
            "page_size": most,
        }
        found = self._clients.ask("logging.logEntries.list", self._project, lambda: self._listed(request, most))
        if found is None:
            raise TryAgainError("the ledger is still being searched")
        return found

    def _listed(self, request: dict[str, Any], most: int) -> list[LogEntry] | None:
        """The entries; None if the search does not end: Cloud Logging gives empty pages while it goes on."""
        found: list[LogEntry] = []
        for page in islice(self._logs.list_log_entries(request=request, **GRPC).pages, PAGES):
            found += page.entries
            if len(found) >= most or not page.next_page_token:
                return found[:most]
        return None

    @property
    def _logs(self) -> LoggingServiceV2Client:
        from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
        from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

        endpoint = self._settings.endpoint_logging or "logging.googleapis.com"
        return self._clients.other("logs", LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)


def _record(outcome: Outcome, plan_id: str, cause: Cause, at: datetime) -> dict[str, Any]:
    change = outcome.change
    before, after = sides(change)
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
        "who": cause.who,
        "mark": mark(change),
        "cause": plain(cause),
        "at": at.isoformat(),
    }
    return cast("dict[str, Any]", log.redacted(record))


def _past(entry: LogEntry, now: datetime) -> Past:
    labels = dict(entry.labels)
    said = entry.json_payload or {}
    return Past(
        verb=labels.get("verb", ""),
        subject=labels.get("subject", ""),
        result=labels.get("result", ""),
        detail=str(said.get("detail", "")),
        hours_ago=max(0.0, (now - entry.timestamp).total_seconds() / 3600),
        who=str(said.get("who", "")),
        mark=labels.get("mark", ""),
        looked_hours_ago=_hours_ago(str(said.get("looked", "")), now),
    )


def _hours_ago(when: str, now: datetime) -> float:
    """0 where it is not told."""
    try:
        return max(0.0, (now - datetime.fromisoformat(when)).total_seconds() / 3600)
    except (ValueError, TypeError):
        return 0.0


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
