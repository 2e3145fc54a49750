"""Verdicts on what came back, and on what the functions say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wayout.egress.health import needed
from wayout.egress.health.deployment import DOORS, Deployment
from wayout.egress.health.findings import Finding, green, red, unknown
from wayout.egress.health.laid import APPLY, TELLING
from wayout.egress.health.messages import MOST, EchoSaid, PermissionsSaid
from wayout.egress.health.seeing import Heard, Seen
from wayout.egress.model import Absent, Unreadable

NOBODY = "no function has answered"


def echoes(laid: Deployment, seen: Seen, before: Sequence[Finding]) -> Iterator[Finding]:
    """One finding per echo; `before` are those findings that may say why it did not come back."""
    for heard in seen.echoes:
        what = _path(laid, heard)
        match heard.unsent:
            case Unreadable(why, grant):
                yield unknown("Echo", what, why, grant)
            case Absent():
                yield unknown("Echo", what, "nothing can be sent or heard where something is not there", "see above")
            case None if heard.answer:
                yield green("Echo", what, f"came back after {heard.seconds:.1f} s")
            case None:
                yield _silence(laid, heard, what, before)


def _path(laid: Deployment, heard: Heard) -> str:
    topic = str(getattr(laid.topics, heard.flow)).rsplit("/", 1)[-1]
    start = f"log entry of {heard.source} → sink → " if heard.source else ""
    return f"{start}{topic} → {DOORS[heard.flow]}"


def _silence(laid: Deployment, heard: Heard, what: str, before: Sequence[Finding]) -> Finding:
    said = f"did not come back within {heard.seconds:.0f} s"
    door = DOORS[heard.flow]
    on_the_way = {getattr(laid.subscriptions, heard.flow), f"who calls {door}", TELLING}
    for one in before:
        name = one.what.removeprefix("writer of ")
        sink = one.area == "Log sink" and heard.source and laid.takes(name, heard.source)
        if one.mark == "red" and (sink or one.what in on_the_way):
            return red("Echo", what, f"{said}; the likely cause is above: {one.what}", one.step)
    if heard.source and f"projects/{heard.source}/sinks/{laid.sink.name}" not in laid.sinks:
        said += f"; is {heard.source} in {laid.sink.parent}? If not, name one that is with --from"
    return red("Echo", what, said, f"read what {door} logs: {log_command(laid, door)}")


def log_command(laid: Deployment, door: str) -> str:
    """The command that shows what a function's service has refused or failed at."""
    service = laid.service(door).rsplit("/", 1)[-1]
    words = f'resource.type="cloud_run_revision" resource.labels.service_name="{service}" severity>=WARNING'
    return f"gcloud logging read '{words}' --project={laid.project} --freshness=15m"


def settings(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per function that has answered: what it takes itself for."""
    answers = seen.answers()
    versions = {one.version for one in answers}
    for said in answers:
        problems = _differing(laid, said)
        if len(versions) > 1:
            problems.append(f"it is version {said.version}, another function another one")
        if problems:
            yield red("Functions", said.door, "; ".join(problems), APPLY)
        else:
            yield green("Functions", said.door, f"version {said.version}, as {said.principal}")


def _differing(laid: Deployment, said: EchoSaid) -> list[str]:
    pairs = (
        ("WAYOUT_PRINCIPAL", said.principal, laid.principal),
        ("WAYOUT_PROJECT", said.project, laid.project),
        ("WAYOUT_OUTCOME_TOPIC", said.outcome_topic, laid.topics.outcomes),
    )
    return [f"{name} is {has or 'not set'}, not {wanted}" for name, has, wanted in pairs if has != wanted]


def permissions(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per project: what the functions may do there, asked by themselves."""
    asked = [one for said in seen.answers() for one in said.permissions if one.roles]
    if not asked:
        yield unknown("Permissions", laid.principal, NOBODY, "see above: Echo")
    for project in needed.by_project(laid.project, laid.projects, laid.networks) if asked else ():
        said = [one for one in asked if one.resource == f"projects/{project}"]
        if said:
            yield _permitted(laid, f"projects/{project}", said)
        else:
            why = f"an echo names {MOST} projects at most"
            yield unknown("Permissions", f"projects/{project}", why, "describe fewer projects at a time")
    if not laid.per_project:
        yield _unlisted(laid)


def _unlisted(laid: Deployment) -> Finding:
    """What lies in a folder or organization is not listed: what was looked at is no proof of the rest."""
    looked_at = ", ".join(needed.by_project(laid.project, laid.projects, laid.networks))
    why = f"which there are is not listed here; looked at: {looked_at}"
    return unknown(
        "Permissions", f"other projects in {laid.sink.parent}", why, "name those that matter: --from PROJECT"
    )


def acting(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per service account that jobs run as: whether the functions may act as it, asked by themselves."""
    if not laid.job_service_accounts:
        why = "no job's service account is named: jobs can be planned, none can be attached"
        yield unknown("Permissions", "jobs' service accounts", why, "set job_service_accounts, then terraform apply")
    said = {one.resource: one for answer in seen.answers() for one in answer.permissions}
    for email in laid.job_service_accounts:
        yield _acted(laid, email, said.get(needed.account(email)), seen)


def _acted(laid: Deployment, email: str, said: PermissionsSaid | None, seen: Seen) -> Finding:
    what = f"acting as {email}"
    if said is None and not seen.answers():
        return unknown("Permissions", what, NOBODY, "see above: Echo")
    if said is None:
        why = f"no function has said; an echo names {MOST} accounts at most, and an older function looks at none"
        return unknown("Permissions", what, why, "describe fewer accounts at a time, or deploy this version")
    if said.unknown:
        return unknown("Permissions", what, said.unknown, said.help)
    if not said.missing:
        return green("Permissions", what, f"{laid.principal} may, so that jobs that run as it can be attached")
    command = f"gcloud iam service-accounts add-iam-policy-binding {email}"
    command += f" --member=serviceAccount:{laid.principal} --role=roles/iam.serviceAccountUser"
    why = f"{laid.principal} lacks {needed.ACT_AS} on it (or it does not exist): no job that runs as it can be attached"
    return red("Permissions", what, why, f"{APPLY} (variable job_service_accounts); or: {command}")


def _permitted(laid: Deployment, resource: str, said: list[PermissionsSaid]) -> Finding:
    missing = sorted({name for one in said for name in one.missing})
    if missing:
        roles = ", ".join(f"wayout_{role}" for role in said[0].roles)
        step = f"{APPLY} (custom role {roles}, bound to {laid.principal})"
        if not laid.per_project and resource == f"projects/{laid.project}":
            step += f"; if it does not lie in {laid.sink.parent}, name a project that does: --from PROJECT"
        return red("Permissions", resource, f"{laid.principal} lacks {', '.join(missing)}", step)
    if blind := next((one for one in said if one.unknown), None):
        return unknown("Permissions", resource, blind.unknown, blind.help)
    return green("Permissions", resource, f"all {said[0].asked} that the functions take")


def policy(seen: Seen) -> Iterator[Finding]:
    """One finding: the policy as the functions read it."""
    found = {said.policy.digest: said.policy for said in seen.answers()}
    problems = list(dict.fromkeys(problem for one in found.values() for problem in one.problems))
    if problems:
        step = "wayout policy check FILE, correct it, then terraform apply (variable policy)"
        yield red("Policy", "policy file", "; ".join(problems), step)
    elif not found:
        yield unknown("Policy", "policy file", NOBODY, "see above: Echo")
    elif len(found) > 1:
        why = f"the functions read different versions of it ({', '.join(sorted(found))})"
        yield unknown("Policy", "policy file", why, "run this again in a few minutes; if it stays so, redeploy")
    else:
        [one] = found.values()
        said = f"loads; mode {one.mode}{', paused' if one.paused else ''}; SHA-256 {one.digest}…"
        yield green("Policy", "policy file", said)
