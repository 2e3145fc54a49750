"""Whether a job needs a way out, which one, and because of what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import IPv4Address

from wayout.egress import ranges
from wayout.egress.model import Job, JobName, JobTarget, Site
from wayout.egress.policy import LABEL, OFF, Match, Mode, Policy, Profile


class Stance(StrEnum):
    """What a policy says of one job."""

    NEEDS = "needs"
    FINE = "fine"
    EXEMPT = "exempt"
    UNCLEAR = "unclear"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Intent:
    """What the policy wants for one job. `site` and `profile` are there if it needs a way out."""

    job: JobName
    stance: Stance
    because: str
    site: Site | None = None
    profile: Profile | None = None
    mode: Mode = "observe"


def judge(policy: Policy, job: Job, *, today: date, asked: JobTarget | None = None) -> Intent:
    """Exemption, label, request, rule, evidence: the first that speaks decides."""
    if job.deleted:
        return Intent(job.name, Stance.ABSENT, "the job has been deleted")
    if not policy.covers(job.name.project):
        return Intent(job.name, Stance.FINE, f"the policy does not speak of project {job.name.project}")
    voices = (_exemption(policy, job, today), _label(policy, job), _request(policy, job, asked), _rule(policy, job))
    spoken = next((voice for voice in voices if voice), None)
    intent = spoken or _evidence(policy, job)
    remarks = [*_expired(policy, job, today), *_unheard(policy, job, asked)]
    if not remarks:
        return intent
    because = "; ".join([intent.because, *remarks])
    return Intent(intent.job, intent.stance, because, intent.site, intent.profile, intent.mode)


def _needs(policy: Policy, job: Job, profile: str, because: str, mode: Mode | None = None) -> Intent:
    wanted = policy.profiles[profile]
    site = Site(wanted.network_for(job.name.project), job.name.region, profile)
    return Intent(job.name, Stance.NEEDS, because, site, wanted, mode or policy.mode)


def matches(match: Match, job: Job) -> bool:
    """Whether every glob of a match fits the job."""
    labels = dict(job.labels)
    return (
        fnmatchcase(job.name.project, match.project)
        and fnmatchcase(job.name.region, match.region)
        and fnmatchcase(job.name.job, match.job)
        and fnmatchcase(job.service_account, match.service_account)
        and all(fnmatchcase(labels.get(key, ""), glob) for key, glob in match.labels.items())
    )


def _exemption(policy: Policy, job: Job, today: date) -> Intent | None:
    for exemption in policy.exemptions:
        if exemption.expires >= today and matches(exemption.match, job):
            because = f"exempt until {exemption.expires}: {exemption.reason} ({exemption.owner} answers for it)"
            return Intent(job.name, Stance.EXEMPT, because)
    return None


def _expired(policy: Policy, job: Job, today: date) -> Iterator[str]:
    for exemption in policy.exemptions:
        if exemption.expires < today and matches(exemption.match, job):
            yield f"an exemption of {exemption.owner} ended on {exemption.expires}"


def _label(policy: Policy, job: Job) -> Intent | None:
    chosen = dict(job.labels).get(LABEL)
    if chosen == OFF:
        return Intent(job.name, Stance.FINE, f"its label {LABEL}={OFF} says that it needs no way out")
    if chosen in policy.profiles and policy.profiles[chosen].labels:
        mode = next((rule.mode for rule in policy.rules if rule.profile == chosen and matches(rule.match, job)), None)
        return _needs(policy, job, chosen, f"its label says {LABEL}={chosen}", mode)
    return None


def _request(policy: Policy, job: Job, asked: JobTarget | None) -> Intent | None:
    if asked and asked.requested in policy.profiles and policy.profiles[asked.requested].requests:
        sender = asked.sender or "another system"
        return _needs(policy, job, asked.requested, f"{sender} asked for the profile {asked.requested}")
    return None


def _unheard(policy: Policy, job: Job, asked: JobTarget | None) -> Iterator[str]:
    chosen = dict(job.labels).get(LABEL)
    if chosen and chosen != OFF and not (chosen in policy.profiles and policy.profiles[chosen].labels):
        yield f"its label {LABEL}={chosen} names no profile that labels may choose"
    requested = asked.requested if asked else ""
    if requested and not (requested in policy.profiles and policy.profiles[requested].requests):
        yield f"the requested profile {requested} is none that requests may choose"


def _rule(policy: Policy, job: Job) -> Intent | None:
    for number, rule in enumerate(policy.rules, start=1):
        if matches(rule.match, job):
            title = f"rule {rule.name!r}" if rule.name else f"rule {number}"
            if rule.profile == OFF:
                return Intent(job.name, Stance.FINE, f"{title} says that it needs no way out")
            return _needs(policy, job, rule.profile, f"{title} gives it the profile {rule.profile}", rule.mode)
    return None


_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_INTERNAL = re.compile(r"(?<![\w.-])(?:[a-z0-9-]+\.)+internal(?![\w-])", re.IGNORECASE)
_USERINFO = re.compile(r"[^\s/,;\"']*@")  # what stands before an @ may be a password
METADATA = "metadata.google.internal"  # answered on the host itself; never a need


def speaking(job: Job) -> Iterator[str]:
    """What in the job speaks for a need, each with its place. Only the address or host is quoted, never the value."""
    if job.way and job.way.connector and job.way.connector.region != job.name.region:
        yield f"it names the connector {job.way.connector}, which is in another region"
    for word in job.words:
        text = _USERINFO.sub("@", "" if word.secret else word.text)
        for address in _ADDRESS.findall(text):
            if _private(address):
                yield f"{word.place} holds the private address {address}"
        for host in _INTERNAL.findall(text):
            if host.lower() != METADATA:
                yield f"{word.place} holds the internal host {host}"


def _private(address: str) -> bool:
    try:
        found = IPv4Address(address)
    except ValueError:
        return False
    return any(found in ranges.parse(private) for private in ranges.PRIVATE)


def _evidence(policy: Policy, job: Job) -> Intent:
    found = list(speaking(job))
    if not found:
        because = "no exemption, label, rule or evidence in the job speaks for a way out"
        return Intent(job.name, Stance.FINE, because)
    if policy.evidence:
        return _needs(policy, job, policy.evidence, "; ".join(found[:3]))
    profiles = ", ".join(name for name, profile in policy.profiles.items() if profile.labels) or "none"
    because = (
        f"{'; '.join(found[:3])}; no rule gives it a profile: label the job {LABEL}=PROFILE "
        f"(labels may choose: {profiles}) or {LABEL}={OFF}, or add a rule"
    )
    return Intent(job.name, Stance.UNCLEAR, because)
