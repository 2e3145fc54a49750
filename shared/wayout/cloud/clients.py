"""The official clients, built when first needed, one of each kind, safe to share between threads.

Every call carries our user agent, by which our own audit log entries are known: gRPC takes it as a channel option,
compute's REST clients as metadata of each call (`REST`), our own session as a header.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wayout.cloud import channels, lazy
from wayout.cloud.asking import USER_AGENT, Asking
from wayout.cloud.settings import Settings

if TYPE_CHECKING:
    from google.api_core.operations_v1 import OperationsClient
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import compute_v1, run_v2, vpcaccess_v1

T = TypeVar("T")

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class Clients(Asking):
    """Google's clients for one set of settings. `close` gives their connections back."""

    def __init__(self, settings: Settings) -> None:
        lazy.install()
        super().__init__(settings)
        # Project number -> id, as far as documents have shown it; observe fills and uses it.
        self.numbers: dict[str, str] = {}
        self._lock = threading.RLock()
        self._built: dict[str, Any] = {}
        self._closing: list[Callable[[], None]] = []

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
    def projects(self) -> compute_v1.ProjectsClient:
        return cast("compute_v1.ProjectsClient", self._compute("ProjectsClient"))

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
                with channels.swiftly():
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
        token = self.settings.token.get_secret_value()
        found, close = channels.transport(kind, endpoint, token=token, credentials=self._credentials)
        self._closing.append(close)
        return found
