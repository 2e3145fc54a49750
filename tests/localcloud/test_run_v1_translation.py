"""Jobs of Cloud Run v1 and v2 are one job in two spellings: for any job, nothing is lost on the way between them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from localcloud.core import Cloud
from localcloud.run.keeping import merged
from localcloud.run.knative import beside, body_v2, job_v1, replaced, sent_v1, spelled
from localcloud.run.shape import BESIDE, filled

PROJECT, REGION = "my-project", "europe-west2"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
NAME = f"{PARENT}/jobs/report"
CONNECTOR = f"{PARENT}/connectors/out"
RUN = "run.googleapis.com/"
WORDS = st.text("abcxyz019", min_size=1, max_size=6)
COUNTS = st.integers(1, 9)
TEXTS = st.lists(WORDS, min_size=1, max_size=3)


def some(fields: dict[str, st.SearchStrategy[Any]], **always: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(always, optional=fields)


def named(fields: dict[str, st.SearchStrategy[Any]], **always: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One or a few, under different names."""
    one = some(fields, **{"name": WORDS} | always)
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda each: each["name"])


PROBE_V1 = some(
    {
        "httpGet": some({"host": WORDS, "scheme": WORDS, "path": WORDS, "port": COUNTS}),
        "tcpSocket": some({"host": WORDS, "port": COUNTS}),
        "exec": some({"command": TEXTS}),
        "periodSeconds": COUNTS,
        "successThreshold": COUNTS,
    }
)
SECRET_V1 = some({"secretName": WORDS, "optional": st.booleans(), "defaultMode": COUNTS}) | some(
    {}, secretName=WORDS, items=st.lists(some({"mode": COUNTS}, key=WORDS, path=WORDS), min_size=1, max_size=2)
)
VOLUMES_V1 = named(
    {
        "secret": SECRET_V1,
        "emptyDir": some({"medium": st.just("Memory"), "sizeLimit": WORDS}),
        "configMap": some({"name": WORDS}),
        "csi": st.just(
            {"driver": "gcsfuse.run.googleapis.com", "volumeAttributes": {"bucketName": "b", "mountOptions": "x,y"}}
        ),
        "nfs": some({"server": WORDS, "path": WORDS, "readOnly": st.booleans()}),
    }
)
CONTAINERS_V1 = named(
    {
        "command": TEXTS,
        "args": TEXTS,
        "env": named(
            {"value": WORDS}
            | {"valueFrom": some({}, secretKeyRef=some({"optional": st.booleans()}, name=WORDS, key=WORDS))}
        ),
        "resources": some({"limits": st.dictionaries(WORDS, WORDS, min_size=1), "requests": st.just({"cpu": "1"})}),
        "startupProbe": PROBE_V1,
        "livenessProbe": PROBE_V1,
        "volumeMounts": named({"mountPath": WORDS, "subPath": WORDS, "readOnly": st.booleans()}),
        "ports": st.lists(some({"protocol": WORDS, "name": WORDS}, containerPort=COUNTS), min_size=1, max_size=1),
        "imagePullPolicy": WORDS,
        "securityContext": some({"runAsUser": COUNTS}),
        "envFrom": st.lists(some({"prefix": WORDS}), min_size=1, max_size=2),
        "workingDir": WORDS,
    },
    image=WORDS,
)
NOTES_V1 = some(
    {
        f"{RUN}vpc-access-connector": st.sampled_from(["out", CONNECTOR, "projects/1/locations/x/connectors/y"]),
        f"{RUN}vpc-access-egress": st.sampled_from(["all", "all-traffic", "private-ranges-only"]),
        f"{RUN}network-interfaces": st.sampled_from(
            ['[{"network":"n"}]', '[{"subnetwork": "s", "tags": "a,b"}]', '[{"network":"n","other":1}]']
        ),
        f"{RUN}execution-environment": st.sampled_from(["gen1", "gen2"]),
        f"{RUN}cloudsql-instances": st.sampled_from(["p:r:i", "p:r:i, p:r:j"]),
        f"{RUN}secrets": st.just("abc:projects/p/secrets/abc"),
        f"{RUN}unheard-of": WORDS,
        f"{RUN}client-name": WORDS,
        f"{RUN}encryption-key": WORDS,
        "example.com/own": WORDS,
    }
)
LABELS_V1 = st.dictionaries(st.sampled_from(["team", "a.b/c", f"{RUN}unheard-of"]), WORDS, min_size=1)
JOBS_V1 = st.builds(
    lambda meta, tokens, outer, spec, task: {
        "metadata": meta,
        "spec": tokens | {"template": {"metadata": outer, "spec": spec | {"template": {"spec": task}}}},
    },
    some({"labels": LABELS_V1, "annotations": some({f"{RUN}binary-authorization": WORDS, "own": WORDS}, x=WORDS)}),
    some({"startExecutionToken": WORDS}),
    some({"labels": LABELS_V1}, annotations=NOTES_V1.filter(bool)),
    some({"taskCount": COUNTS, "parallelism": COUNTS}),
    some(
        {
            "maxRetries": st.integers(0, 9),
            "timeoutSeconds": COUNTS.map(str),
            "serviceAccountName": WORDS,
            "volumes": VOLUMES_V1,
            "nodeSelector": st.just({f"{RUN}accelerator": "nvidia-l4"}),
        },
        containers=CONTAINERS_V1,
    ),
)


def held(sent: Any, shown: Any) -> bool:
    """Whether everything that was sent is shown, with whatever more."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        return all(key in shown and held(one, shown[key]) for key, one in sent.items())
    if isinstance(sent, list) and isinstance(shown, list):
        return len(sent) == len(shown) and all(held(*two) for two in zip(sent, shown, strict=True))
    return bool(sent == shown)


CLOUD = Cloud()


def in_store(sent: Any) -> Any:
    """A stored job that has been made of a v1 job."""
    job = filled(CLOUD, PROJECT, body_v2(sent, PROJECT, REGION))
    job |= {"name": NAME, "uid": "u", "generation": "1", "etag": '"CIy04sUGEMDh1-cB/x"', "creator": "c"}
    job |= {"createTime": "2026-11-23T09:00:00Z", "updateTime": "2026-11-23T09:00:00Z"}
    return job | {BESIDE: beside(job, sent)}


@given(JOBS_V1)
def test_v1_shows_all_that_was_sent_however_little_of_it_v2_knows(given_: Any) -> None:
    sent = sent_v1(given_)
    shown = job_v1(CLOUD, in_store(sent))
    assert held(sent, shown)


@given(JOBS_V1)
def test_what_v1_shows_can_be_written_back_without_a_change(given_: Any) -> None:
    before = in_store(sent_v1(given_))
    shown = job_v1(CLOUD, before)
    again = filled(CLOUD, PROJECT, replaced(before, sent_v1(shown), PROJECT, REGION))
    assert again == {key: before[key] for key in again}


SECRETS_V2 = st.sampled_from(["ours", "projects/p/secrets/theirs"])
CONTAINERS_V2 = named(
    {
        "command": TEXTS,
        "env": named({"value": WORDS})
        | named({}, valueSource=some({}, secretKeyRef=some({}, secret=SECRETS_V2, version=WORDS))),
        "resources": some({}, limits=st.dictionaries(WORDS, WORDS, min_size=1)),
        "startupProbe": some({"httpGet": some({"path": WORDS, "port": COUNTS}), "periodSeconds": COUNTS}),
        "volumeMounts": named({}, mountPath=WORDS),
        "dependsOn": TEXTS,
        "ports": st.just([{"containerPort": 8080}]),
    },
    image=WORDS,
)
TASKS_V2 = some(
    {
        "maxRetries": st.integers(0, 9),
        "timeout": COUNTS.map(lambda count: f"{count}s"),
        "serviceAccount": WORDS,
        "encryptionKey": WORDS,
        "executionEnvironment": st.sampled_from(["EXECUTION_ENVIRONMENT_GEN1", "EXECUTION_ENVIRONMENT_GEN2"]),
        "gpuZonalRedundancyDisabled": st.booleans(),
        "nodeSelector": st.just({"accelerator": "nvidia-l4"}),
        "vpcAccess": st.sampled_from(
            [
                {"connector": CONNECTOR},
                {"connector": CONNECTOR, "egress": "ALL_TRAFFIC"},
                {"networkInterfaces": [{"network": "n", "tags": ["a"]}], "egress": "PRIVATE_RANGES_ONLY"},
            ]
        ),
        "volumes": named(
            {"secret": some({"defaultMode": COUNTS}, secret=SECRETS_V2)}
            | {"emptyDir": some({"medium": st.sampled_from(["MEMORY", "DISK"]), "sizeLimit": WORDS})}
            | {"gcs": some({"readOnly": st.booleans(), "mountOptions": TEXTS}, bucket=WORDS)}
        ),
    },
    containers=CONTAINERS_V2,
)
JOBS_V2 = some(
    {
        "labels": st.dictionaries(WORDS, WORDS, min_size=1),
        "annotations": st.dictionaries(WORDS, WORDS, min_size=1),
        "client": WORDS,
        "clientVersion": WORDS,
        "binaryAuthorization": st.sampled_from([{"useDefault": True}, {"policy": "p", "breakglassJustification": "j"}]),
        "runExecutionToken": WORDS,
    },
    template=some(
        {
            "labels": st.dictionaries(WORDS, WORDS, min_size=1),
            "annotations": st.dictionaries(WORDS, WORDS, min_size=1),
            "client": WORDS,
            "parallelism": COUNTS,
            "taskCount": COUNTS,
        },
        template=TASKS_V2,
    ),
)


@given(JOBS_V2)
def test_a_v2_job_is_the_same_after_its_way_through_v1(job: Any) -> None:
    assert body_v2(spelled(job), PROJECT, REGION) == job


def test_what_was_taken_away_does_not_come_back() -> None:
    kept = {"a": 1, "only": 2, "list": [{"name": "x", "own": 1}, {"name": "y"}]}
    again = {"a": 1, "list": [{"name": "x"}, {"name": "y"}]}
    now = {"list": [{"name": "x", "new": 3}]}
    assert merged(kept, again, now) == {"only": 2, "list": [{"name": "x", "own": 1, "new": 3}]}
