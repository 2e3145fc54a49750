"""Whether a job needs a way out, which one, and because of what: a walk through the policy; one step decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase

from wayout.egress import evidence
from wayout.egress.model import BlindError, FoldersOf, Job, JobName, JobTarget, Seen, Site
from wayout.egress.policy import LABEL, OFF, Match, Mode, Policy, Profile
from wayout.egress.troubles import trouble

# A folder that a rule names, and what a job is on that has a way already.
PERMISSIONS = (
    "resourcemanager.projects.get",
    "vpcaccess.connectors.list",
    "compute.subnetworks.list",
    "compute.routers.list",
)


class Stance(StrEnum):
    """What a policy says of one job."""

    NEEDS = "needs"
    FINE = "fine"
    EXEMPT = "exempt"
    UNCLEAR = "unclear"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Intent:
    """What the policy wants for one job. `site` and `profile` are there if it needs a way out.

    `help`: what would make clear what is unclear.
    """

    job: JobName
    stance: Stance
    because: str
    site: Site | None = None
    profile: Profile | None = None
    mode: Mode = "observe"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk: who was asked, and what it said; the first with an intent decides."""

    what: str
    said: str
    intent: Intent | None = None


def judge(
    policy: Policy,
    job: Job,
    *,
    today: date,
    asked: JobTarget | None = None,
    seen: Seen = Seen(),  # noqa: B008 - a frozen value
) -> Intent:
    """Exemption, label, request, rule, evidence: the first that speaks decides.

    Raises NotLookedError where a folder, or the way that the job has, must be looked at; BlindError where a folder
    cannot be seen.
    """
    steps = tuple(walk(policy, job, today=today, asked=asked, seen=seen))
    intent = next(step.intent for step in steps if step.intent)
    remarks = [said for _, said in _remarks(policy, job, today, asked, seen)]
    return replace(intent, because="; ".join([intent.because, *remarks])) if remarks else intent


REMARK = "remark"


def walk(
    policy: Policy,
    job: Job,
    *,
    today: date,
    asked: JobTarget | None = None,
    seen: Seen = Seen(),  # noqa: B008 - a frozen value
) -> Iterator[Step]:
    """Every step up to the one that decides, and then what is worth a remark and no step has said. Raises as `judge`
    does."""
    told: set[str] = set()
    for step in _voices(policy, job, today, asked, seen):
        told.add(step.what)
        yield step
        if step.intent:
            break
    yield from (Step(REMARK, said) for what, said in _remarks(policy, job, today, asked, seen) if what not in told)


def _remarks(policy: Policy, job: Job, today: date, asked: JobTarget | None, seen: Seen) -> tuple[tuple[str, str], ...]:
    """What somebody may have counted on in vain: the step that says so where it is reached, and its words."""
    if job.deleted or not policy.covers(job.name.project, job.name.region):
        return ()
    return (*_expired(policy, job, today, seen), *_unheard(policy, job, asked))


def _voices(policy: Policy, job: Job, today: date, asked: JobTarget | None, seen: Seen) -> Iterator[Step]:
    if job.deleted:
        yield _step("job", Intent(job.name, Stance.ABSENT, "the job has been deleted"))
    if silent := policy.silent_on(job.name.project, job.name.region):
        yield _step("projects and regions", Intent(job.name, Stance.FINE, silent))
    yield from _exemptions(policy, job, today, seen)
    yield _label(policy, job, seen)
    yield _request(policy, job, asked, seen)
    yield from _rules(policy, job, seen)
    yield _evidence(policy, job, seen)


def _step(what: str, intent: Intent) -> Step:
    return Step(what, intent.because, intent)


def _needs(policy: Policy, job: Job, profile: str, because: str, mode: Mode | None = None) -> Intent:
    wanted = policy.profiles[profile]
    site = wanted.site_for(profile, job.name.project, job.name.region)
    return Intent(job.name, Stance.NEEDS, because, site, wanted, mode or wanted.mode or policy.mode)


# --- matching -----------------------------------------------------------------------------------------------------


def matches(match: Match, job: Job, seen: Seen = Seen()) -> bool:  # noqa: B008 - a frozen value
    """Whether every glob of a match fits the job; see `mismatch`."""
    return not mismatch(match, job, seen)


def mismatch(match: Match, job: Job, seen: Seen = Seen()) -> str:  # noqa: B008 - a frozen value
    """The first thing that does not fit, in words; empty if the match fits. Folders are looked at last.

    Raises NotLookedError and BlindError: a folder that cannot be seen is not taken for another one.
    """
    labels = dict(job.labels)
    asked: list[tuple[str, str | None, str]] = [
        ("project", job.name.project, match.project),
        ("region", job.name.region, match.region),
        ("job", job.name.job, match.job),
        ("service account", job.service_account, match.service_account),
        *((f"label {key}", labels.get(key), glob) for key, glob in match.labels.items()),
    ]
    for what, value, glob in asked:
        if value is None:
            return f"it has no {what}"
        if not fnmatchcase(value, glob):
            return f"its {what} {value or '(none)'} does not match {glob}"
    if match.folder:
        folders = seen.get(FoldersOf(job.name.project))
        if f"folders/{match.folder.removeprefix('folders/')}" not in folders:
            return f"its project is not in folder {match.folder.removeprefix('folders/')}"
    return ""


def _exemptions(policy: Policy, job: Job, today: date, seen: Seen) -> Iterator[Step]:
    for number, exemption in enumerate(policy.exemptions, start=1):
        what = f"exemption {number}"
        if why := mismatch(exemption.match, job, seen):
            yield Step(what, why)
        elif exemption.expires < today:
            yield Step(what, f"that of {exemption.owner} ended on {exemption.expires}")
        else:
            because = f"exempt until {exemption.expires}: {exemption.reason} ({exemption.owner} answers for it)"
            yield _step(what, Intent(job.name, Stance.EXEMPT, because))


def _expired(policy: Policy, job: Job, today: date, seen: Seen) -> Iterator[tuple[str, str]]:
    for number, exemption in enumerate(policy.exemptions, start=1):
        if exemption.expires < today and matches(exemption.match, job, seen):
            yield f"exemption {number}", f"an exemption of {exemption.owner} ended on {exemption.expires}"


def _label(policy: Policy, job: Job, seen: Seen) -> Step:
    chosen = dict(job.labels).get(LABEL)
    if chosen is None:
        return Step("label", f"it has no label {LABEL}")
    if chosen == OFF:
        because = f"its label {LABEL}={OFF} says that it needs no way out"
        return _step("label", Intent(job.name, Stance.FINE, because))
    if chosen in policy.profiles and policy.profiles[chosen].labels:
        because = f"its label says {LABEL}={chosen}"
        return _step("label", _needs(policy, job, chosen, because, _ruled(policy, job, chosen, seen)))
    return Step("label", f"{LABEL}={chosen} names no profile that labels may choose")


def _ruled(policy: Policy, job: Job, profile: str, seen: Seen) -> Mode | None:
    """The mode that the first matching rule gives to a job whose profile somebody has chosen; None if it gives none.

    Its `observe` holds whatever is chosen; its `enforce` is for the profile that it names, so that a choice buys no
    more than the policy gives. Raises as `mismatch` does.
    """
    first = next((rule for rule in policy.rules if matches(rule.match, job, seen)), None)
    return first.mode if first and (first.mode == "observe" or first.profile == profile) else None


def _request(policy: Policy, job: Job, asked: JobTarget | None, seen: Seen) -> Step:
    if asked is None or not asked.requested:
        return Step("request", "nobody has asked for a profile")
    sender = asked.sender or "another system"
    if asked.requested in policy.profiles and policy.profiles[asked.requested].may_ask(asked.sender):
        because = f"{sender} asked for the profile {asked.requested}"
        mode = _ruled(policy, job, asked.requested, seen)
        return _step("request", _needs(policy, job, asked.requested, because, mode))
    return Step("request", f"{sender} may not ask for {asked.requested}")


def _unheard(policy: Policy, job: Job, asked: JobTarget | None) -> Iterator[tuple[str, str]]:
    chosen = dict(job.labels).get(LABEL)
    if chosen and chosen != OFF and not (chosen in policy.profiles and policy.profiles[chosen].labels):
        yield "label", f"its label {LABEL}={chosen} names no profile that labels may choose"
    requested = asked.requested if asked else ""
    if asked and requested and not (requested in policy.profiles and policy.profiles[requested].may_ask(asked.sender)):
        yield "request", f"the requested profile {requested} is none that requests may choose"


def _rules(policy: Policy, job: Job, seen: Seen) -> Iterator[Step]:
    for number, rule in enumerate(policy.rules, start=1):
        title = f"rule {rule.name!r}" if rule.name else f"rule {number}"
        if why := mismatch(rule.match, job, seen):
            yield Step(title, why)
        elif rule.profile == OFF:
            yield _step(title, Intent(job.name, Stance.FINE, f"{title} says that it needs no way out"))
        else:
            because = f"{title} gives it the profile {rule.profile}"
            yield _step(title, _needs(policy, job, rule.profile, because, rule.mode))


# --- evidence -----------------------------------------------------------------------------------------------------


def _evidence(policy: Policy, job: Job, seen: Seen) -> Step:
    found, unknown = list(evidence.speaking(job)), ""
    if job.way:
        try:
            found += filter(None, (trouble(job, seen),))
        except BlindError as blind:
            unknown = f"whether its own way works cannot be seen: {blind.sighting.why}"
    remarks = list(filter(None, (unknown, "" if found else evidence.unread(job))))
    more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
    said = "; ".join([*found[:3], *more, *remarks])
    if not found:
        because = "no exemption, label, rule or evidence in the job speaks for a way out"
        because = "; ".join([because, *remarks, *(() if job.way is None or remarks else ("its own way works",))])
        return _step("evidence", Intent(job.name, Stance.FINE, because))
    if policy.evidence:
        return _step("evidence", _needs(policy, job, policy.evidence, said))
    profiles = ", ".join(name for name, profile in policy.profiles.items() if profile.labels) or "none"
    help_ = f"label the job {LABEL}=PROFILE (labels may choose: {profiles}) or {LABEL}={OFF}, or add a rule"
    because = f"{said}; no rule gives it a profile"
    return _step("evidence", Intent(job.name, Stance.UNCLEAR, because, help=help_))
