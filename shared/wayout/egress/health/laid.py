"""Verdicts on what was laid: APIs, the log sinks, the subscriptions, and who may call the functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wayout.egress.health import needed
from wayout.egress.health.deployment import DOORS, Deployment
from wayout.egress.health.findings import Finding, green, red, unknown
from wayout.egress.health.seeing import Apis, Right, Seen, SinkSeen, SubscriptionSeen
from wayout.egress.model import Absent, Present, Sighting, Unreadable

APPLY = "run: terraform apply"
TELLING = "who tells outcomes"
DELETED = "_deleted-topic_"  # what Pub/Sub says of a subscription whose topic was deleted. Source: its reference
# As Terraform lays them; infra's tests hold both together.
DEADLINE = 600  # seconds: a function may work for 540
DEADLINES = {"dead": 60, "doctor": 10}  # of those that are pulled from
RETRY = (10.0, 600.0)  # seconds between two deliveries, at least and at most
ATTEMPTS = 30  # deliveries before a message is a dead letter
_EDIT = frozenset({"roles/pubsub.editor", "roles/pubsub.admin", "roles/editor", "roles/owner"})
PUBLISH = Right("pubsub.topics.publish", _EDIT | {"roles/pubsub.publisher"})
CONSUME = Right("pubsub.subscriptions.consume", _EDIT | {"roles/pubsub.subscriber"})
_RUN = frozenset({"roles/run.invoker", "roles/run.developer", "roles/run.admin", "roles/owner"})
INVOKE = Right("run.routes.invoke", _RUN)
# What a filter that lets everything through that concerns us cannot do without, and what is lost without it.
_FILTERED = {
    "cloudaudit.googleapis.com/activity": "any audit log entry",
    "run.googleapis.com": "jobs that are deployed",
    "vpcaccess.googleapis.com": "connectors that are finished or broken",
    "compute.googleapis.com": "rules, routers and subnets that somebody changes",
    "wayout-doctor": "the doctor's own entries",
}


def apis(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per project."""
    roles = needed.by_project(laid.project, laid.projects, laid.networks)
    for project, sighting in seen.apis.items():
        match sighting:
            case Present(Apis(enabled=enabled)):
                wanted = needed.apis(roles[project], eventarc=laid.eventarc)
                if missing := [one for one in wanted if one not in enabled]:
                    step = f"gcloud services enable {' '.join(missing)} --project={project}"
                    yield red("APIs", project, f"{', '.join(missing)} {_is(missing)} not enabled", step)
                else:
                    yield green("APIs", project, f"all {len(wanted)} that are needed are enabled")
            case Unreadable(why, grant):
                yield unknown("APIs", project, why, grant)
            case Absent():
                yield red("APIs", project, "there is no such project", "correct the Terraform variables, and apply")


def sinks(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """Two findings per sink: what it exports, and whether its writer may publish."""
    for name, sighting in seen.sinks.items():
        match sighting:
            case Present(SinkSeen() as found):
                yield _sink(laid, name, found)
                yield _writer(laid, seen, name, found)
            case Unreadable(why, grant):
                yield unknown("Log sink", name, why, grant)
            case Absent():
                yield red("Log sink", name, "it does not exist: no event reaches Wayout, only the sweep works", APPLY)


def _sink(laid: Deployment, name: str, found: SinkSeen) -> Finding:
    problems = ["it is disabled"] if found.disabled else []
    wanted = f"pubsub.googleapis.com/{laid.topics.events}"
    if found.destination != wanted:
        problems.append(f"it exports to {found.destination or 'nowhere'}, not to {wanted}")
    problems += _filter(found.filter, laid.sink.filter)
    problems += [f"an exclusion drops what matches: {text}" for text in found.exclusions]
    if problems:
        return red("Log sink", name, "; ".join(problems), APPLY)
    return green("Log sink", name, f"exports to {laid.topics.events}")


def _filter(found: str, laid: str) -> list[str]:
    """Against the text that was laid where that is known, else against what any good filter must name."""
    if laid:
        return [] if _plain(found) == _plain(laid) else ["its filter is not the one that was laid"]
    text = found.replace("%2F", "/").replace("\\.", ".").replace("[.]", ".")
    lost = [f"{lost} ({word})" for word, lost in _FILTERED.items() if text.strip() and word not in text]
    return [f"its filter does not let through {', '.join(lost)}"] if lost else []


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _proven(laid: Deployment, seen: Seen, sink: str) -> bool:
    """An echo came through this sink; not through a folder's, which may take what its projects' own take too."""
    if sink.startswith("projects/") and not laid.per_project:
        return False
    return any(one.answer and one.source and laid.takes(sink, one.source) for one in seen.echoes)


def _writer(laid: Deployment, seen: Seen, name: str, sink: SinkSeen) -> Finding:
    topic, what = laid.topics.events, f"writer of {name}"
    may = seen.holds(sink.writer, PUBLISH, topic)
    if isinstance(seen.policies.get(topic), Absent):
        return red("Log sink", what, f"the topic does not exist: {topic}", APPLY)
    if may is True or _proven(laid, seen, name):
        return green("Log sink", what, f"may publish on {topic}")
    if isinstance(may, Unreadable):
        return unknown("Log sink", what, may.why, may.grant)
    role = "roles/pubsub.publisher"
    command = f"gcloud pubsub topics add-iam-policy-binding {topic} --member={sink.writer} --role={role}"
    return red("Log sink", what, f"{sink.writer} may not publish on {topic}", f"{APPLY}; or: {command}")


def subscriptions(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per subscription, and one on who moves the dead letters."""
    for flow, sighting in seen.subscriptions.items():
        name = getattr(laid.subscriptions, flow)
        match sighting:
            case Present(SubscriptionSeen() as found):
                problems = _problems(laid, flow, found)
                said = "; ".join(problems) or _subscribed(flow)
                yield red("Subscriptions", name, said, APPLY) if problems else green("Subscriptions", name, said)
            case Unreadable(why, grant):
                yield unknown("Subscriptions", name, why, grant)
            case Absent():
                yield red("Subscriptions", name, f"it does not exist: {_LOST.get(flow, _UNHEARD)}", APPLY)
    yield _burying(laid, seen)


_UNHEARD = "what is published on its topic reaches nobody"
_LOST = {"dead": "dead letters are lost", "doctor": "no function's answer can be heard"}


def _subscribed(flow: str) -> str:
    if flow == "dead":
        return "keeps dead letters; how many wait is not told here: the alert on dead letters does"
    return f"delivers to {DOORS[flow]}" if flow in DOORS else "takes the functions' answers"


def _problems(laid: Deployment, flow: str, found: SubscriptionSeen) -> list[str]:
    wanted = getattr(laid.topics, "outcomes" if flow == "doctor" else flow)
    problems = [] if found.topic == wanted else [f"its topic is {found.topic}, not {wanted}"]
    if found.topic == DELETED:
        problems = [f"its topic was deleted: {wanted}; another one of that name does not bring it back"]
    problems += _pushed(laid, flow, found) if flow in DOORS else _pulled(flow, found)
    return problems + _lasting(laid, flow, found)


def _lasting(laid: Deployment, flow: str, found: SubscriptionSeen) -> list[str]:
    """Whether it stays, and what becomes of what nobody finishes."""
    problems = []
    if found.expires:
        problems.append(f"it is deleted after {found.expires / 86_400:g} days without use, and is to last")
    if flow == "dead":
        return problems
    if found.dead_topic != laid.topics.dead:
        problems.append(f"its dead letters go to {found.dead_topic or 'nobody'}, not to {laid.topics.dead}")
    elif found.attempts != ATTEMPTS:
        problems.append(f"it gives a message up after {found.attempts} tries, not {ATTEMPTS}")
    return problems


def _pulled(flow: str, found: SubscriptionSeen) -> list[str]:
    problems = [f"it pushes to {found.endpoint}, and is to be pulled from"] if found.endpoint else []
    if found.deadline != DEADLINES[flow]:
        problems.append(f"its deadline is {found.deadline} s, not {DEADLINES[flow]} s")
    if flow == "doctor" and "echo" not in found.filter:
        problems.append("its filter lets through what is no echo")
    return problems


def _pushed(laid: Deployment, flow: str, found: SubscriptionSeen) -> list[str]:
    url: str = getattr(laid.functions, DOORS[flow])
    problems = []
    if not (found.endpoint == url or found.endpoint.startswith((f"{url}/", f"{url}?"))):
        problems.append(f"it delivers to {found.endpoint or 'nobody'}, not to {url}")
    if found.account != laid.invoker:
        problems.append(f"it calls as {found.account or 'nobody'}, not as {laid.invoker}")
    elif found.audience not in ("", url):
        problems.append(f"its token is for {found.audience}, which {DOORS[flow]} does not take")
    if found.deadline < DEADLINE:
        problems.append(f"its deadline is {found.deadline} s, so that work of {DEADLINE} s is done twice")
    if found.retry is None:
        problems.append("what fails comes again at once, without a pause")
    elif found.retry != RETRY:
        has, wanted = (f"{low:g} s to {high:g} s" for low, high in (found.retry, RETRY))
        problems.append(f"what fails comes again after {has}, not {wanted}")
    return problems


def _burying(laid: Deployment, seen: Seen) -> Finding:
    what = "dead letters"
    agent = burier(seen.apis.get(laid.project))
    if not agent:
        return unknown("Subscriptions", what, "the project's number could not be read", "see above: APIs")
    wanted = {laid.topics.dead: PUBLISH}
    wanted |= {getattr(laid.subscriptions, f): CONSUME for f in DOORS if isinstance(seen.subscriptions.get(f), Present)}
    if isinstance(seen.policies.get(laid.topics.dead), Absent):
        said = f"the topic does not exist: {laid.topics.dead}; what could not be finished is tried for ever, or lost"
        return red("Subscriptions", what, said, APPLY)
    found = {resource: seen.holds(agent, right, resource) for resource, right in wanted.items()}
    if lacking := [resource for resource, may in found.items() if may is False]:
        said = f"Pub/Sub's agent may not move them: {agent} has no role on {', '.join(lacking)}"
        return red("Subscriptions", what, said, APPLY)
    for may in found.values():
        if isinstance(may, Unreadable):
            return unknown("Subscriptions", what, may.why, may.grant)
    return green("Subscriptions", what, f"Pub/Sub's agent may move them to {laid.topics.dead}")


def burier(home: Sighting[Apis] | None) -> str:
    """Pub/Sub's agent of the home project, as an IAM member; empty where the project's number is not known."""
    match home:
        case Present(Apis(number=number)) if number:
            return f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    return ""


def schedule(laid: Deployment) -> Iterator[Finding]:
    """Cloud Scheduler's job: no echo passes it and nothing here reads it, so that it is not known."""
    command = f"gcloud scheduler jobs describe wayout-sweep --location={laid.region} --project={laid.project}"
    why = "not examined; it is to be ENABLED, and its last attempt to have no error"
    yield unknown("Schedule", f"job wayout-sweep → {laid.topics.sweep}", why, command)


def callers(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """Whether the functions may be called, and whether they may tell what became of it."""
    yield from _invokers(laid, seen)
    member, topic, what = f"serviceAccount:{laid.principal}", laid.topics.outcomes, TELLING
    may = seen.holds(member, PUBLISH, topic)
    if isinstance(seen.policies.get(topic), Absent):
        yield red(
            "Callers", what, f"the topic does not exist: {topic}: no outcome is told, and no echo answered", APPLY
        )
    elif may is True or seen.answers():
        yield green("Callers", what, f"{laid.principal} may publish on {topic}")
    elif isinstance(may, Unreadable):
        yield unknown("Callers", what, may.why, may.grant)
    else:
        command = f"gcloud pubsub topics add-iam-policy-binding {topic} --member={member} --role=roles/pubsub.publisher"
        said = f"{laid.principal} may not publish on {topic}: no outcome is told, and no echo answered"
        yield red("Callers", what, said, f"{APPLY}; or: {command}")


def _invokers(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """One finding per function: whether the invoker may call it."""
    member = f"serviceAccount:{laid.invoker}"
    for flow, door in DOORS.items():
        service = laid.service(door)
        may = seen.holds(member, INVOKE, service)
        what = f"who calls {door}"
        if may is True or seen.came_back(flow):
            yield green("Callers", what, f"{laid.invoker} may")
        elif isinstance(seen.policies.get(service), Absent):
            yield red("Callers", what, f"there is no Cloud Run service {service}", APPLY)
        elif isinstance(may, Unreadable):
            yield unknown("Callers", what, may.why, may.grant)
        else:
            name = service.rsplit("/", 1)[-1]
            command = f"gcloud run services add-iam-policy-binding {name} --region={laid.region}"
            command += f" --project={laid.project} --member={member} --role=roles/run.invoker"
            said = f"{laid.invoker} may not: every delivery is refused"
            yield red("Callers", what, said, f"{APPLY}; or: {command}")


def _is(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"
