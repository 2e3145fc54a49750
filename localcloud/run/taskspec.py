"""The task of a job, there and back: v1's TaskSpec with the annotations that go with it, and v2's TaskTemplate.

Source: the discovery documents of run.v1 and run.v2 (the descriptions of ExecutionTemplateSpec.metadata and of
TaskTemplate), and the annotations that gcloud 528 writes. What one side has no word for is left out here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from localcloud.calls import Document
from localcloud.errors import ApiError
from localcloud.run.keeping import picked
from localcloud.run.volumes import aliased, aliases, mounted, secret_of, unmounted, volume_v1, volume_v2

RUN = "run.googleapis.com/"
CONNECTOR, EGRESS, INTERFACES = f"{RUN}vpc-access-connector", f"{RUN}vpc-access-egress", f"{RUN}network-interfaces"
ENVIRONMENT, KEY, DEPENDENCIES = f"{RUN}execution-environment", f"{RUN}encryption-key", f"{RUN}container-dependencies"
REDUNDANCY, ACCELERATOR = f"{RUN}gpu-zonal-redundancy-disabled", f"{RUN}accelerator"
EGRESS_WORDS = {
    "all-traffic": "ALL_TRAFFIC",
    "all": "ALL_TRAFFIC",  # deprecated
    "private-ranges-only": "PRIVATE_RANGES_ONLY",
}
ENVIRONMENTS = {"gen1": "EXECUTION_ENVIRONMENT_GEN1", "gen2": "EXECUTION_ENVIRONMENT_GEN2"}
SAME = ("image", "name", "command", "args", "workingDir", "sandboxLauncher")  # containers' fields that are alike
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
PROBED = ("failureThreshold", "initialDelaySeconds", "periodSeconds", "timeoutSeconds", "grpc")

# Complains of one field (`metadata.annotations[KEY]` below spec.template, say) in the words of v1.
Wrong = Callable[[str, str], ApiError]


def task_v2(spec: Document, notes: dict[str, str], place: tuple[str, str], wrong: Wrong) -> Document:
    """A TaskTemplate. `notes` are the execution template's annotations, `place` its project and region."""
    task = picked(spec, "maxRetries")
    if "timeoutSeconds" in spec:
        task["timeout"] = f"{spec['timeoutSeconds']}s"
    if spec.get("serviceAccountName"):
        task["serviceAccount"] = spec["serviceAccountName"]
    named = aliases(notes)
    needs = _parsed(notes, DEPENDENCIES, dict, wrong)
    if "containers" in spec:
        task["containers"] = [_container_v2(one, named, needs) for one in spec["containers"]]
    if spec.get("volumes"):
        task["volumes"] = [volume_v2(one, named) for one in spec["volumes"]]
    if "sandboxes" in spec:
        task["sandboxes"] = _sandboxes(spec["sandboxes"], lambda one: env_v2(one, named))
    if accelerator := spec.get("nodeSelector", {}).get(ACCELERATOR):
        task["nodeSelector"] = {"accelerator": accelerator}
    return mounted(task, notes) | _noted(notes, place, wrong)


def _noted(notes: dict[str, str], place: tuple[str, str], wrong: Wrong) -> Document:
    """What v1 keeps in annotations and v2 in fields of the task."""
    task: Document = {}
    if vpc := _vpc(notes, place, wrong):
        task["vpcAccess"] = vpc
    if ENVIRONMENT in notes:
        task["executionEnvironment"] = _word(notes, ENVIRONMENT, ENVIRONMENTS, wrong)
    if notes.get(KEY):
        task["encryptionKey"] = notes[KEY]
    if REDUNDANCY in notes:
        task["gpuZonalRedundancyDisabled"] = notes[REDUNDANCY] == "true"
    return task


def _vpc(notes: dict[str, str], place: tuple[str, str], wrong: Wrong) -> Document:
    vpc: Document = {}
    if connector := notes.get(CONNECTOR):
        project, region = place
        short = "/" not in connector
        vpc["connector"] = f"projects/{project}/locations/{region}/connectors/{connector}" if short else connector
    if notes.get(INTERFACES):
        vpc["networkInterfaces"] = [_interface(one) for one in _parsed(notes, INTERFACES, list, wrong)]
    if EGRESS in notes:
        vpc["egress"] = _word(notes, EGRESS, EGRESS_WORDS, wrong)
    return vpc


def _interface(given: Any) -> Document:
    found = picked(given, "network", "subnetwork") if isinstance(given, dict) else {}
    tags = given.get("tags") if isinstance(given, dict) else None
    return found | ({"tags": tags.split(",") if isinstance(tags, str) else tags} if tags else {})


def _word(notes: dict[str, str], key: str, words: dict[str, str], wrong: Wrong) -> str:
    if notes[key] not in words:
        known = ", ".join(sorted(words))
        raise wrong(f"metadata.annotations[{key}]", f"'{notes[key]}' is not a valid value. Valid values are: {known}")
    return words[notes[key]]


def _parsed(notes: dict[str, str], key: str, kind: type, wrong: Wrong) -> Any:
    """The JSON that an annotation holds; an empty one when it is absent."""
    try:
        found = json.loads(notes[key]) if notes.get(key) else kind()
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise wrong(f"metadata.annotations[{key}]", f"'{notes[key]}' is not valid JSON of the expected form")
    return found


def _container_v2(given: Document, named: dict[str, str], needs: dict[str, Any]) -> Document:
    found = picked(given, *SAME)
    if given.get("env"):
        found["env"] = [env_v2(one, named) for one in given["env"]]
    if "limits" in given.get("resources", {}):
        found["resources"] = {"limits": dict(given["resources"]["limits"])}
    if given.get("ports"):
        found["ports"] = [picked(one, "name", "containerPort") for one in given["ports"]]
    if given.get("volumeMounts"):
        found["volumeMounts"] = [picked(one, "name", "mountPath", "subPath") for one in given["volumeMounts"]]
    found |= _probes(given)
    if dependencies := needs.get(given.get("name", "")):
        found["dependsOn"] = list(dependencies)
    return found


def _probes(container: Document) -> Document:
    """The probes as both versions know them; v1 knows a little more of each."""
    found: Document = {}
    for name in PROBES:
        probe = container.get(name)
        if probe is None:
            continue
        found[name] = copy.deepcopy(picked(probe, *PROBED))
        if "httpGet" in probe:
            found[name]["httpGet"] = copy.deepcopy(picked(probe["httpGet"], "path", "port", "httpHeaders"))
        if "tcpSocket" in probe:
            found[name]["tcpSocket"] = picked(probe["tcpSocket"], "port")
    return found


def env_v2(given: Document, named: dict[str, str]) -> Document:
    """An environment variable of v2."""
    found = picked(given, "name", "value")
    reference = given.get("valueFrom", {}).get("secretKeyRef")
    if reference is not None:
        secret = reference.get("name", "")
        key = {"secret": named.get(secret, secret), "version": reference.get("key", "")}
        found["valueSource"] = {"secretKeyRef": picked(key, "secret", "version")}
    return found


def env_v1(given: Document, names: dict[str, str]) -> Document:
    """An environment variable of v1; `names` collects the aliases of secrets that have none yet."""
    found = picked(given, "name", "value")
    reference = given.get("valueSource", {}).get("secretKeyRef")
    if reference is not None:
        key = {"name": secret_of(reference.get("secret", ""), names), "key": reference.get("version", "")}
        found["valueFrom"] = {"secretKeyRef": picked(key, "name", "key")}
    return found


def task_v1(task: Document) -> tuple[Document, dict[str, str]]:
    """A TaskSpec, and the annotations that belong on the execution template."""
    task, notes = unmounted(task)
    names: dict[str, str] = {}
    spec = picked(task, "maxRetries")
    if "timeout" in task:
        spec["timeoutSeconds"] = str(int(float(task["timeout"].removesuffix("s"))))
    if task.get("serviceAccount"):
        spec["serviceAccountName"] = task["serviceAccount"]
    if "containers" in task:
        spec["containers"] = [_container_v1(one, names) for one in task["containers"]]
    if task.get("volumes"):
        spec["volumes"] = [volume_v1(one, names) for one in task["volumes"]]
    if "sandboxes" in task:
        spec["sandboxes"] = _sandboxes(task["sandboxes"], lambda one: env_v1(one, names))
    if accelerator := task.get("nodeSelector", {}).get("accelerator"):
        spec["nodeSelector"] = {ACCELERATOR: accelerator}
    return spec, notes | _notes(task) | aliased(names)


def _notes(task: Document) -> dict[str, str]:
    notes: dict[str, str] = {}
    environment = next((word for word, one in ENVIRONMENTS.items() if one == task.get("executionEnvironment")), None)
    if environment:
        notes[ENVIRONMENT] = environment
    vpc = task.get("vpcAccess", {})
    if vpc.get("connector"):
        notes[CONNECTOR] = vpc["connector"]
    if vpc.get("networkInterfaces"):
        notes[INTERFACES] = json.dumps(vpc["networkInterfaces"], sort_keys=True)
    egress = next((word for word, one in EGRESS_WORDS.items() if one == vpc.get("egress")), None)
    if egress:
        notes[EGRESS] = egress
    if task.get("encryptionKey"):
        notes[KEY] = task["encryptionKey"]
    if "gpuZonalRedundancyDisabled" in task:
        notes[REDUNDANCY] = str(task["gpuZonalRedundancyDisabled"]).lower()
    needs = {one["name"]: one["dependsOn"] for one in task.get("containers", []) if one.get("dependsOn")}
    return notes | ({DEPENDENCIES: json.dumps(needs)} if needs else {})


def _container_v1(given: Document, names: dict[str, str]) -> Document:
    found = copy.deepcopy(picked(given, *SAME, "ports", "volumeMounts"))
    if given.get("env"):
        found["env"] = [env_v1(one, names) for one in given["env"]]
    if "limits" in given.get("resources", {}):
        found["resources"] = {"limits": dict(given["resources"]["limits"])}
    return found | _probes(given)


def _sandboxes(given: Document, turned: Callable[[Document], Document]) -> Document:
    found: Document = copy.deepcopy(given)
    for one in found.get("templates", []):
        if "env" in one:
            one["env"] = [turned(variable) for variable in one["env"]]
    return found
