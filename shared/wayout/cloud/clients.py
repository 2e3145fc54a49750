"""The official clients, built when first needed, one of each kind, safe to share between threads.

Every call carries our user agent, by which our own audit log entries are known: gRPC takes it as a channel option,
compute's REST clients as metadata of each call (`REST`), our own session as a header.
"""

from __future__ import annotations

import copy
import gc
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wayout import __version__
from wayout.cloud import lazy
from wayout.cloud.errors import NOBODY, Errand, TryAgainError, UnaskedError, sort_response, sorting
from wayout.cloud.pacing import Pacing
from wayout.cloud.settings import Settings

if TYPE_CHECKING:
    from google.api_core.operations_v1 import OperationsClient
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import compute_v1, run_v2, vpcaccess_v1

T = TypeVar("T")

USER_AGENT = f"wayout/{__version__}"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CALL_SECONDS = 30.0  # what one call may take; the libraries' own limits reach to ten minutes
TRIES = 4
PATIENCE = 120.0  # seconds that a call may take with all its tries and waits where nobody says until when

# Keyword arguments of every call. The libraries' own retries are off: they cover some reads only, and no dropped
# connection; `Clients.ask` covers them all.
GRPC: dict[str, Any] = {"retry": None, "timeout": CALL_SECONDS}
REST: dict[str, Any] = GRPC | {"metadata": (("user-agent", USER_AGENT),)}

_CHANNEL = [("grpc.primary_user_agent", USER_AGENT), ("grpc.max_receive_message_length", -1)]


class Clients:
    """Google's clients for one set of settings. `close` gives their connections back."""

    def __init__(self, settings: Settings) -> None:
        lazy.install()
        self.settings = settings
        # Project number -> id, as far as documents have shown it; observe fills and uses it.
        self.numbers: dict[str, str] = {}
        self.pacing = Pacing(instances=settings.instances, minute=settings.quota_minute_seconds, sizes=settings.quotas)
        self._until: float | None = None
        self._lock = threading.RLock()
        self._built: dict[str, Any] = {}
        self._closing: list[Callable[[], None]] = []

    # calling

    def errand(self, permission: str, resource: str) -> Errand:
        """What a call is for, with us as the caller."""
        return Errand(permission, resource, self.settings.principal or NOBODY)

    def within(self, until: float) -> Clients:
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

    def close(self) -> None:
        """Give all connections back. The clients must not be used afterwards."""
        with self._lock:
            for close in self._closing:
                close()
            self._closing.clear()
            self._built.clear()

    # Cloud Run and Serverless VPC Access, over gRPC: unknown fields of what is read survive being sent back

    @property
    def jobs(self) -> run_v2.JobsClient:
        def build() -> run_v2.JobsClient:
            from google.cloud import run_v2
            from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

            endpoint = self.settings.endpoint_run or "run.googleapis.com"
            return run_v2.JobsClient(transport=self._transport(JobsGrpcTransport, endpoint))

        return self._one("jobs", build)

    @property
    def executions(self) -> run_v2.ExecutionsClient:
        def build() -> run_v2.ExecutionsClient:
            from google.cloud import run_v2
            from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport

            endpoint = self.settings.endpoint_run or "run.googleapis.com"
            return run_v2.ExecutionsClient(transport=self._transport(ExecutionsGrpcTransport, endpoint))

        return self._one("executions", build)

    @property
    def job_operations(self) -> OperationsClient:
        return cast("OperationsClient", self._one("job operations", lambda: self.jobs.transport.operations_client))

    @property
    def connectors(self) -> vpcaccess_v1.VpcAccessServiceClient:
        def build() -> vpcaccess_v1.VpcAccessServiceClient:
            from google.cloud import vpcaccess_v1
            from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport

            endpoint = self.settings.endpoint_vpcaccess or "vpcaccess.googleapis.com"
            transport = self._transport(VpcAccessServiceGrpcTransport, endpoint)
            return vpcaccess_v1.VpcAccessServiceClient(transport=transport)

        return self._one("connectors", build)

    @property
    def connector_operations(self) -> OperationsClient:
        return cast(
            "OperationsClient", self._one("connector operations", lambda: self.connectors.transport.operations_client)
        )

    # Compute Engine, over REST, which is all that it speaks

    @property
    def networks(self) -> compute_v1.NetworksClient:
        return cast("compute_v1.NetworksClient", self._compute("NetworksClient"))

    @property
    def subnetworks(self) -> compute_v1.SubnetworksClient:
        return cast("compute_v1.SubnetworksClient", self._compute("SubnetworksClient"))

    @property
    def firewalls(self) -> compute_v1.FirewallsClient:
        return cast("compute_v1.FirewallsClient", self._compute("FirewallsClient"))

    @property
    def region_policies(self) -> compute_v1.RegionNetworkFirewallPoliciesClient:
        client = self._compute("RegionNetworkFirewallPoliciesClient")
        return cast("compute_v1.RegionNetworkFirewallPoliciesClient", client)

    @property
    def routers(self) -> compute_v1.RoutersClient:
        return cast("compute_v1.RoutersClient", self._compute("RoutersClient"))

    @property
    def routes(self) -> compute_v1.RoutesClient:
        return cast("compute_v1.RoutesClient", self._compute("RoutesClient"))

    @property
    def addresses(self) -> compute_v1.AddressesClient:
        return cast("compute_v1.AddressesClient", self._compute("AddressesClient"))

    @property
    def global_addresses(self) -> compute_v1.GlobalAddressesClient:
        return cast("compute_v1.GlobalAddressesClient", self._compute("GlobalAddressesClient"))

    @property
    def global_operations(self) -> compute_v1.GlobalOperationsClient:
        return cast("compute_v1.GlobalOperationsClient", self._compute("GlobalOperationsClient"))

    @property
    def region_operations(self) -> compute_v1.RegionOperationsClient:
        return cast("compute_v1.RegionOperationsClient", self._compute("RegionOperationsClient"))

    # JSON of our own

    @property
    def session(self) -> AuthorizedSession:
        """A REST session with our credentials and user agent."""

        def build() -> Any:
            from google.auth.transport import requests as transport

            session = cast("Any", transport).AuthorizedSession(self._credentials())
            session.headers["User-Agent"] = USER_AGENT
            self._closing.append(session.close)
            return session

        return cast("AuthorizedSession", self._one("session", build))

    @property
    def compute_url(self) -> str:
        return self.settings.endpoint_compute or "https://compute.googleapis.com"

    @property
    def vpcaccess_url(self) -> str:
        return self.settings.endpoint_vpcaccess_rest or "https://vpcaccess.googleapis.com"

    @property
    def dns_url(self) -> str:
        return self.settings.endpoint_dns or "https://dns.googleapis.com"

    @property
    def resourcemanager_url(self) -> str:
        """Whoever serves DNS elsewhere serves this there too: no setting of its own."""
        return self.settings.endpoint_dns or "https://cloudresourcemanager.googleapis.com"

    def other(self, name: str, client: Callable[..., T], transport: Any, endpoint: str) -> T:
        """A gRPC client of an API that one module alone uses (ledger, outbox), built by the same rules."""
        return self._one(name, lambda: client(transport=self._transport(transport, endpoint)))

    # building

    def _one(self, name: str, build: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._built:
                with _swiftly():
                    self._built[name] = build()
            return cast("T", self._built[name])

    def _compute(self, name: str) -> Any:
        def build() -> Any:
            from google.api_core.client_options import ClientOptions
            from google.cloud import compute_v1

            options = ClientOptions(api_endpoint=self.compute_url)
            client = getattr(compute_v1, name)(credentials=self._credentials(), client_options=options)
            self._closing.append(client.transport.close)
            return client

        return self._one(name, build)

    def _credentials(self) -> Any:
        def build() -> Any:
            if token := self.settings.token.get_secret_value():
                from google.oauth2 import credentials

                return cast("Any", credentials).Credentials(token=token)
            import google.auth

            return google.auth.default(scopes=[SCOPE])[0]

        return self._one("credentials", build)

    def _transport(self, kind: Any, endpoint: str) -> Any:
        """A gRPC transport: TLS with our credentials, or plaintext with our token where the endpoint says `http://`."""
        import grpc

        if endpoint.startswith("http://"):
            channel = grpc.insecure_channel(endpoint.removeprefix("http://"), options=_CHANNEL)
            self._closing.append(channel.close)
            channel = grpc.intercept_channel(channel, _bearer(self.settings.token.get_secret_value()))
        else:
            channel = kind.create_channel(endpoint, credentials=self._credentials(), options=_CHANNEL)
            self._closing.append(channel.close)
        return kind(channel=channel)


@contextmanager
def _swiftly() -> Iterator[None]:
    """Without garbage collection: it makes a third of the time that importing the libraries takes.

    Afterwards what they hold is left out of every collection to come: it stays for as long as the process.
    """
    enabled, loaded = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > loaded:
            gc.freeze()
        if enabled:
            gc.enable()


def _bearer(token: str) -> Any:
    """An interceptor that adds the token to each call: gRPC itself sends credentials over TLS only."""
    import grpc

    class Details(grpc.ClientCallDetails):  # type: ignore[misc]
        def __init__(self, details: Any) -> None:
            self.method, self.timeout, self.credentials = details.method, details.timeout, details.credentials
            self.wait_for_ready, self.compression = details.wait_for_ready, details.compression
            self.metadata = [*(details.metadata or ()), ("authorization", f"Bearer {token}")]

    class Bearer(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return continuation(Details(details) if token else details, request)

    return Bearer()
