"""How Google is asked: at its quotas' pace, again where a failure may pass, and with failures in our own words."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from wayout import __version__
from wayout.cloud.errors import NOBODY, Errand, TryAgainError, UnaskedError, sort_response, sorting
from wayout.cloud.pacing import Pacing
from wayout.cloud.settings import Settings

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

T = TypeVar("T")

USER_AGENT = f"wayout/{__version__}"
CALL_SECONDS = 30.0  # what one call may take; the libraries' own limits reach to ten minutes
TRIES = 4
PATIENCE = 120.0  # seconds that a call may take with all its tries and waits where nobody says until when

# Keyword arguments of every call. The libraries' own retries are off: they cover some reads only, and no dropped
# connection; `Asking.ask` covers them all.
GRPC: dict[str, Any] = {"retry": None, "timeout": CALL_SECONDS}
REST: dict[str, Any] = GRPC | {"metadata": (("user-agent", USER_AGENT),)}


class Asking:
    """Makes calls, with whatever client. `session` is for those that the libraries lack."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pacing = Pacing(instances=settings.instances, minute=settings.quota_minute_seconds, sizes=settings.quotas)
        self._until: float | None = None

    @property
    def session(self) -> AuthorizedSession:
        """A REST session with our credentials and user agent."""
        raise NotImplementedError

    def errand(self, permission: str, resource: str) -> Errand:
        """What a call is for, with us as the caller."""
        return Errand(permission, resource, self.settings.principal or NOBODY)

    def within(self, until: float) -> Self:
        """The same clients, for calls that nobody waits for beyond `until` (time.monotonic seconds)."""
        found = copy.copy(self)
        found._until = until  # noqa: SLF001 - a copy of ourselves
        return found

    def ask(self, permission: str, resource: str, call: Callable[[], T], *, until: float | None = None) -> T:
        """Make a call that takes `permission` on `resource`, when quotas allow. Its failures leave as CloudError.

        What may pass is tried again, four times in all, and not beyond `until` (time.monotonic seconds).
        """
        errand = self.errand(permission, resource)
        end = next((one for one in (until, self._until) if one is not None), time.monotonic() + PATIENCE)
        for turn in range(TRIES):
            taken = self.pacing.wait(permission, resource, until=end)
            try:
                with sorting(errand):
                    return call()
            except UnaskedError:
                self.pacing.give_back(permission, resource, taken)
                raise
            except TryAgainError as error:
                pause = self.settings.backoff_seconds * 2**turn * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
                pause = max(pause, error.after)
                if error.limited:
                    self.pacing.rest(permission, resource, pause)
                if turn == TRIES - 1 or time.monotonic() + pause >= end:
                    raise
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def pages(self, permission: str, resource: str, call: Callable[[], Any]) -> Iterator[Any]:
        """The pages of a list, for which `call` makes a pager of Google's: each is a call as in `ask`.

        A page that fails is asked for again, and none before it. Where no time is left for the next one, that is a
        TryAgainError: a list that is cut short must not be taken for a whole one.
        """
        pager = self.ask(permission, resource, call)
        while True:
            page = next(iter(pager.pages))  # the one that it has come to: every look at its pages begins there
            yield page
            if not page.next_page_token:
                return
            if self._until is not None and time.monotonic() >= self._until:
                raise TryAgainError(f"no time was left for the rest of a list: {permission} on {resource}")
            self.ask(permission, resource, lambda: next(islice(pager.pages, 1, None)))

    def fetch(
        self,
        permission: str,
        resource: str,
        method: str,
        url: str,
        *,
        until: float | None = None,
        first: Callable[[], object] = lambda: None,
        **how: Any,
    ) -> dict[str, Any]:
        """`ask`, with one JSON request of our own, for what the libraries lack. Answers with the JSON body.

        `first` is done before each try, and may raise what keeps it from being made; but not once a try may have had
        its effect.
        """
        errand = self.errand(permission, resource)
        unmade = True

        def call() -> dict[str, Any]:
            nonlocal unmade
            if unmade:
                first()
            unmade = False
            response = cast("Any", self.session).request(method, url, timeout=CALL_SECONDS, **how)
            unmade = response.status_code < 500
            if response.status_code >= 400:
                raise sort_response(response, errand)
            return cast("dict[str, Any]", response.json())

        return self.ask(permission, resource, call, until=until)
