"""The ledger: every change, with what was before and after, in Cloud Logging; enough to undo it, and never a secret.

One entry per change before it is begun (`result` begun), so that none is missing if the process dies, and one per
outcome, in `projects/HOME/logs/LEDGER`. Labels: `site`, `subject`, `verb`, `result`, `mark`, `run` (the plan id that
people are told), `cause` (its id). JSON: `plan`, `verb`, `kind`, `subject`, `because`, `before`, `after`, `result`,
`detail`, `who`, `mark`, `cause`, `at`. And one entry whenever a site was seen without jobs (`verb` idle) or with some
(`busy`): no history shows them, IdleSince counts them.
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
from wayout.egress.marks import mark, plain, revived, sides
from wayout.egress.model import (
    Absent,
    Cause,
    Change,
    HistoryOf,
    IdleSince,
    Outcome,
    Past,
    Present,
    Sighting,
    Site,
    SitesTouched,
    Unreadable,
    Written,
    WrittenBy,
    kind,
    subject,
    verb,
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
IDLE, BUSY = "idle", "busy"
BEGUN = "begun"
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

    def begin(self, changes: Sequence[Change], *, plan_id: str, run: str, cause: Cause, site: Site) -> None:
        """Write that a plan's changes are about to be made. Failures as in `write`: then nothing is begun."""
        at = self._now()
        self._say([_record(one, BEGUN, "", plan_id, cause, at) for one in changes], site, at, run, cause.id)

    def write(
        self,
        outcomes: Sequence[Outcome],
        *,
        plan_id: str,
        run: str,
        cause: Cause,
        site: Site,
        looked: datetime | None = None,
    ) -> None:
        """Write what became of a plan's changes, and since when it was `looked` at what the plan says.

        What cannot be written is said on standard output, and raised.
        """
        at = self._now()
        since = {"looked": looked.isoformat()} if looked else {}
        records = [_record(one.change, one.result.value, one.detail, plan_id, cause, at) | since for one in outcomes]
        self._say(records, site, at, run, cause.id)

    def idle(self, site: Site, idle: bool, cause: Cause) -> None:
        """Write that a site was seen without jobs and executions, or with some. Failures as in `write`."""
        at = self._now()
        about = {"verb": IDLE if idle else BUSY, "kind": "site", "subject": str(site), "result": "seen"}
        said = log.redacted({"who": cause.who, "cause": plain(cause), "at": at.isoformat()})
        self._say([about | said], site, at, "", cause.id)

    def _say(self, records: list[dict[str, Any]], site: Site, at: datetime, run: str, cause: str) -> None:
        if not records:
            return
        try:
            self._write(records, {"site": str(site), "run": run, "cause": cause}, at)
        except CloudError as error:
            help_ = error.help if isinstance(error, RefusedError) else ""
            log.error("the ledger could not be written", site=str(site), why=error.why, help=help_, entries=records)
            raise

    def _write(self, records: list[dict[str, Any]], of: dict[str, str], at: datetime) -> None:
        from google.api.monitored_resource_pb2 import MonitoredResource
        from google.cloud.logging_v2.types import LogEntry

        entries = [
            LogEntry(
                log_name=self.log_name,
                resource=MonitoredResource(type="global", labels={"project_id": self._settings.project}),
                timestamp=at,
                severity="NOTICE" if record["result"] not in ("refused", "put off") else "WARNING",
                insert_id=uuid.uuid4().hex,  # the same within one call's retries, so that none is written twice
                labels=of | {key: str(record[key]) for key in _LABELS if key in record},
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

    def history(self, read: HistoryOf | IdleSince | SitesTouched | WrittenBy) -> Sighting[Any]:
        """What the last 24 hours hold of a site, newest first, 200 at most; or for how many days it has been idle, as
        far as 30 days tell; or which sites were changed within the hour; or what was done for a plan. Raises
        TryAgainError.
        """
        try:
            match read:
                case SitesTouched():
                    return self._touched()
                case IdleSince():
                    return self._idle_since(read)
                case WrittenBy():
                    return self._written(read)
            return self._past(read)
        except RefusedError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", error.help)
        except GoneError as error:
            return Unreadable(f"the ledger cannot be read: {error.why}", f"check that {self._project} is there")

    def _past(self, read: HistoryOf) -> Sighting[tuple[Past, ...]]:
        now = self._now()
        other = f'labels.verb!="{IDLE}"', f'labels.verb!="{BUSY}"', f'labels.result!="{BEGUN}"'
        since = f'timestamp>="{_stamp(now - REMEMBERED)}"'
        return Present(tuple(_past(one, now) for one in self._found(read.site, MOST, *other, since)))

    def _written(self, read: WrittenBy) -> Sighting[tuple[Written, ...]]:
        """A delivery that died has another plan the next time, and is of the same cause."""
        since = f'timestamp>="{_stamp(self._now() - KEPT)}"'
        runs = self._found(None, MOST_AN_HOUR, f'labels.run="{_quoted(read.plan)}"', since)
        causes = sorted({(one.labels["site"], one.labels["cause"]) for one in runs})
        found = [
            entry
            for site, cause in causes
            for entry in self._found(Site.parse(site), MOST_AN_HOUR, f'labels.cause="{_quoted(cause)}"', since)
            if entry.labels.get("verb") not in (IDLE, BUSY)
        ]
        return Present(tuple(map(_read_back, sorted(found, key=lambda one: one.timestamp))))

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


def _record(change: Change, result: str, detail: str, plan_id: str, cause: Cause, at: datetime) -> dict[str, Any]:
    before, after = sides(change)
    record = {
        "plan": plan_id,
        "verb": verb(change),
        "kind": kind(change),
        "subject": subject(change),
        "because": change.because,
        "before": before,
        "after": after,
        "result": result,
        "detail": detail,
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


def _read_back(entry: LogEntry) -> Written:
    """Raises ValueError for an entry that we have not written."""
    said = type(entry).to_dict(entry).get("json_payload") or {}
    kind_, name, because = (str(said.get(key, "")) for key in ("kind", "subject", "because"))
    change = revived(kind_, name, said.get("before"), said.get("after"), because)
    return Written(Site.parse(entry.labels["site"]), change, entry.labels.get("result", ""))


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
