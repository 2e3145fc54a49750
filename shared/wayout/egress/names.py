"""Names of resources, and the site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A resource's name. `str()` gives Google's relative form; `parse` takes that, or any URL that ends in it."""

    form: ClassVar[str] = ""

    def __str__(self) -> str:
        return self.form.format(**{slot: getattr(self, slot) for slot in self.__dataclass_fields__})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, saying which form was expected."""
        found = _pattern(cls.form).search(text)
        if found is None:
            raise ValueError(f"{text!r} is not of the form {cls.form.format_map(_Capitals())}")
        return cls(**found.groupdict())


@cache
def _pattern(form: str) -> re.Pattern[str]:
    inner = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", form)
    return re.compile(rf"(?:^|/){inner}$")


class _Capitals(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key.upper()


@dataclass(frozen=True, slots=True, order=True)
class JobName(Name):
    """A Cloud Run job."""

    form: ClassVar[str] = "projects/{project}/locations/{region}/jobs/{job}"
    project: str
    region: str
    job: str


@dataclass(frozen=True, slots=True, order=True)
class NetworkName(Name):
    """A VPC network."""

    form: ClassVar[str] = "projects/{project}/global/networks/{network}"
    project: str
    network: str


@dataclass(frozen=True, slots=True, order=True)
class SubnetName(Name):
    """A subnetwork."""

    form: ClassVar[str] = "projects/{project}/regions/{region}/subnetworks/{subnet}"
    project: str
    region: str
    subnet: str


@dataclass(frozen=True, slots=True, order=True)
class ConnectorName(Name):
    """A Serverless VPC Access connector. Its project may be an id or a number in what Google answers."""

    form: ClassVar[str] = "projects/{project}/locations/{region}/connectors/{connector}"
    project: str
    region: str
    connector: str


@dataclass(frozen=True, slots=True, order=True)
class RouterName(Name):
    """A Cloud Router."""

    form: ClassVar[str] = "projects/{project}/regions/{region}/routers/{router}"
    project: str
    region: str
    router: str


@dataclass(frozen=True, slots=True, order=True)
class RuleName(Name):
    """A VPC firewall rule; unique in its project, whatever its network."""

    form: ClassVar[str] = "projects/{project}/global/firewalls/{rule}"
    project: str
    rule: str


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """What a connector, its subnet and its rules belong to: a network, a region and a profile of the policy.

    `home`: the service project that holds the connector, where that is not the network's own project.
    """

    network: NetworkName
    region: str
    profile: str
    home: str = ""

    def __str__(self) -> str:
        place = f"{self.network.project}/{self.network.network}/{self.region}/{self.profile}"
        return f"{place}@{self.home}" if self.home else place

    @classmethod
    def parse(cls, text: str) -> Site:
        """What `str()` gives. Raises ValueError."""
        place, _, home = text.partition("@")
        project, network, region, profile = place.split("/")
        return cls(NetworkName(project, network), region, profile, home)
