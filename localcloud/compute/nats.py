"""What a router's NAT gateways may say, alone and beside the others of their network and region."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import lag
from localcloud.access import admission
from localcloud.calls import Call, Document
from localcloud.compute.common import (
    ADDRESSES,
    ROUTERS,
    SUBNETWORKS,
    absent,
    book,
    check_name,
    in_use,
    invalid,
    named,
    not_ready,
)
from localcloud.compute.limits import check_nats
from localcloud.core import Cloud

LISTED = "LIST_OF_SUBNETWORKS"
SECONDARY = "LIST_OF_SECONDARY_IP_RANGES"


def completed(nat: Document) -> Document:
    """With what the server adds. A private gateway loses its allocation option and gets dynamic ports (recorded)."""
    found: Document = {
        "type": "PUBLIC",
        "endpointTypes": ["ENDPOINT_TYPE_VM"],
        "enableEndpointIndependentMapping": False,
    }
    found |= nat | {"effectiveTcpTimeWaitTimeoutSec": nat.get("tcpTimeWaitTimeoutSec", 120)}
    if found["type"] == "PRIVATE":
        found.pop("natIpAllocateOption", None)
        return {"enableDynamicPortAllocation": True} | found
    return {"autoNetworkTier": "PREMIUM"} | found


def check_use(cloud: Cloud, call: Call, router: str) -> None:
    """Have the caller hold `use` on every subnet and address that the gateways of a request name.

    Assumed, and on the safe side: compute's reference says nothing of it, as it says nothing of
    networks.updatePolicy, which recorded refusals name.
    """
    project = router.split("/")[1]
    needed: dict[tuple[str, str], None] = {}
    for nat in call.body.get("nats") or ():
        for one in nat.get("subnetworks", []):
            needed["compute.subnetworks.use", named(cloud, one.get("name", ""), "name", project)] = None
        for address in (*nat.get("natIps", []), *nat.get("drainNatIps", [])):
            needed["compute.addresses.use", named(cloud, address, "natIps", project)] = None
    admission.require(cloud, call, list(needed))


def check(cloud: Cloud, router: str, document: Document) -> None:
    """Refuse what compute refuses in the gateways of a router that is about to become `document`."""
    nats: list[Document] = document.get("nats", [])
    check_nats(router, nats)
    project, region = router.split("/")[1], router.split("/")[3]
    for index, nat in enumerate(nats):
        field = f"resource.nats[{index}]"
        check_name(nat.get("name", ""), f"{field}.name")
        if any(nat["name"] == other["name"] for other in nats[:index]):
            raise invalid(f"{field}.name", nat["name"], "NAT names must be unique within a router.")
        if "sourceSubnetworkIpRangesToNat" not in nat and "sourceSubnetworkIpRangesToNat64" not in nat:
            raise invalid(f"{field}.sourceSubnetworkIpRangesToNat", "", "The field is required.")
        _check_addresses(cloud, project, region, nat, field)
        _check_unshared(cloud, router, nat, nats[:index], field)
        _check_ports(nat, field)
        _check_subnets(cloud, project, nat, field, document["network"])
        others = [*nats[:index], *_elsewhere(cloud, router, document["network"])]
        _check_beside(cloud, project, nat, field, [other for other in others if other["type"] == nat["type"]])


def _elsewhere(cloud: Cloud, router: str, network: str) -> Iterator[Document]:
    """The gateways of the same network and region in other routers."""
    scope = router.rsplit("/", 1)[0] + "/"
    for name, one in [*cloud.table(ROUTERS.table).items(), *book(cloud).being_made("routers")]:
        if name != router and name.startswith(scope) and one["network"] == network:
            yield from one.get("nats", [])


def _check_addresses(cloud: Cloud, project: str, region: str, nat: Document, field: str) -> None:
    option = nat.get("natIpAllocateOption")
    if nat["type"] == "PRIVATE":
        return
    if option is None:
        raise invalid(f"{field}.natIpAllocateOption", "", "The field is required.")
    if option == "AUTO_ONLY" and nat.get("natIps"):
        raise invalid(
            f"{field}.natIps", nat["natIps"][0], "natIps must be empty when natIpAllocateOption is AUTO_ONLY."
        )
    if option == "MANUAL_ONLY" and not nat.get("natIps"):
        raise invalid(f"{field}.natIps", "", "At least one NAT IP is needed when natIpAllocateOption is MANUAL_ONLY.")
    for index, text in enumerate(nat.get("natIps", [])):
        address = named(cloud, text, f"{field}.natIps[{index}]", project)
        if address not in cloud.table(ADDRESSES.table):
            raise absent(address)
        if f"/regions/{region}/" not in address:
            raise invalid(f"{field}.natIps[{index}]", text, "The address must be in the router's region.")


def _check_unshared(cloud: Cloud, router: str, nat: Document, before: list[Document], field: str) -> None:
    """One address serves one gateway, whatever its network. The text is assumed: compute's for any address in use."""
    project = router.split("/")[1]

    def addresses(one: Document) -> set[str]:
        given = [*one.get("natIps", []), *one.get("drainNatIps", [])]
        return {named(cloud, text, f"{field}.natIps", project) for text in given}

    held = [(router, one) for one in before]
    others = [*cloud.table(ROUTERS.table).items(), *book(cloud).being_made("routers")]
    held += [(name, one) for name, body in others if name != router for one in body.get("nats", [])]
    for name, other in held:
        for address in sorted(addresses(nat) & addresses(other)):
            raise in_use(ADDRESSES, address, name)


def _check_ports(nat: Document, field: str) -> None:
    dynamic = nat.get("enableDynamicPortAllocation", False)
    if dynamic and nat.get("enableEndpointIndependentMapping"):
        why = "Dynamic port allocation and endpoint-independent mapping cannot both be enabled."
        raise invalid(f"{field}.enableDynamicPortAllocation", True, why)
    least, most = nat.get("minPortsPerVm"), nat.get("maxPortsPerVm")
    if most is not None and not dynamic:
        raise invalid(f"{field}.maxPortsPerVm", most, "maxPortsPerVm needs dynamic port allocation.")
    if least is not None and not 2 <= least <= 65536:
        raise invalid(f"{field}.minPortsPerVm", least, "Must be between 2 and 65536.")
    if not dynamic:
        return
    if least is not None and (least < 32 or least & (least - 1)):
        raise invalid(f"{field}.minPortsPerVm", least, "Must be a power of two, and at least 32, with dynamic ports.")
    if most is not None and (most < 64 or most > 65536 or most & (most - 1) or most <= (least or 32)):
        raise invalid(f"{field}.maxPortsPerVm", most, "Must be a power of two greater than minPortsPerVm, up to 65536.")


def _check_subnets(cloud: Cloud, project: str, nat: Document, field: str, network: str) -> None:
    listed = nat.get("sourceSubnetworkIpRangesToNat") == LISTED
    subnets = nat.get("subnetworks", [])
    if listed != bool(subnets):
        why = f"Subnetworks must be specified if and only if sourceSubnetworkIpRangesToNat is {LISTED}."
        raise invalid(f"{field}.subnetworks", "", why)
    for index, one in enumerate(subnets):
        place = f"{field}.subnetworks[{index}]"
        name = named(cloud, one.get("name", ""), f"{place}.name", project)
        subnet = cloud.table(SUBNETWORKS.table).get(name)
        if subnet is None:
            raise absent(name)
        if lag.unsettled(cloud, name):
            raise not_ready(name)
        if subnet["network"] != network:
            raise invalid(f"{place}.name", one["name"], "The subnetwork must be in the router's network.")
        _check_options(one, place)


def _check_options(one: Document, place: str) -> None:
    options = one.get("sourceIpRangesToNat", [])
    if not options:
        raise invalid(f"{place}.sourceIpRangesToNat", "", "At least one option must be specified.")
    if one.get("secondaryIpRangeNames") and SECONDARY not in options:
        why = f"No secondary IP ranges should be provided if the subnetwork is not configured with {SECONDARY}."
        raise invalid(f"{place}.secondaryIpRangeNames", "", why)


def _check_beside(cloud: Cloud, project: str, nat: Document, field: str, others: list[Document]) -> None:
    """One gateway for all subnets excludes every other; one range of a subnet belongs to one gateway."""
    own = nat.get("sourceSubnetworkIpRangesToNat", "")
    for other in others:
        theirs = other.get("sourceSubnetworkIpRangesToNat", "")
        if theirs.startswith("ALL_"):
            why = f"Can not create new Nats since a Nat with option {theirs} exists."
            raise invalid(f"{field}.sourceSubnetworkIpRangesToNat", own, why)
        if own.startswith("ALL_"):
            why = f"Can not use option {own} since another Nat exists in the network and region."
            raise invalid(f"{field}.sourceSubnetworkIpRangesToNat", own, why)
        for index, one in enumerate(nat.get("subnetworks", [])):
            place = f"{field}.subnetworks[{index}].sourceIpRangesToNat"
            name = named(cloud, one["name"], place, project)
            for held in other.get("subnetworks", []):
                if named(cloud, held["name"], place, project) == name:
                    _check_ranges(one, held, place)


def _check_ranges(one: Document, held: Document, place: str) -> None:
    mine, theirs = set(one["sourceIpRangesToNat"]), set(held["sourceIpRangesToNat"])
    if mine == theirs == {"PRIMARY_IP_RANGE"}:
        why = "Can not specify PRIMARY_IP_RANGE for the Subnetwork since it is already configured for Nat."
        raise invalid(place, "", why)
    both_secondary = set(one.get("secondaryIpRangeNames", [])) & set(held.get("secondaryIpRangeNames", []))
    clash = "ALL_IP_RANGES" in mine | theirs or "PRIMARY_IP_RANGE" in mine & theirs or both_secondary
    if clash:
        option = "ALL_IP_RANGES" if "ALL_IP_RANGES" in theirs else min(theirs)
        why = (
            f"The subnetwork is already configured with {option} for Nat which conflicts with the specified "
            "IpRangeToNatOption options in this Nat."
        )
        raise invalid(place, "", why)
