"""A profile in one line."""

from __future__ import annotations

from wayout.egress.policy import Profile


def profile_said(profile: Profile) -> str:
    """What a profile means: network, road, egress, destinations, Google APIs and NAT."""
    road = profile.taken_road
    why = ""
    if profile.road == "auto":
        why = ", auto: Cloud NAT is in play" if road == "connector" else ", auto: no Cloud NAT is in play"
    places = "; ".join(f"{', '.join(one.ports)} to {one.to}" for one in profile.destinations) or "no destination"
    nat = ""
    if profile.reaches_internet:
        nat = f"; NAT with {', '.join(profile.nat.addresses) or 'automatic addresses'}"
    adopts = f"; adopts {', '.join(profile.adopt.connectors)}" if profile.adopt.connectors else ""
    return (
        f"{profile.egress.value} in {profile.network} by the {road} road{why}; {places}; "
        f"Google APIs {profile.google_apis}{nat}{adopts}"
    )
