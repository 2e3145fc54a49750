"""Volumes and secrets of a task, in v1 and in v2.

v1 names a secret of another project by an alias, and Cloud SQL instances in an annotation; v2 has a field for each.
Source: the discovery documents of run.v1 and run.v2, and what gcloud 528 writes.
"""

from __future__ import annotations

import copy
import uuid

from localcloud.calls import Document
from localcloud.run.keeping import picked

SECRETS = "run.googleapis.com/secrets"
INSTANCES = "run.googleapis.com/cloudsql-instances"
BUCKETS = "gcsfuse.run.googleapis.com"
SQL = "cloudsql"  # the name of the volume, and below `/` the place of the mount, that an annotation stands for


def aliases(notes: dict[str, str]) -> dict[str, str]:
    """Alias -> `projects/P/secrets/S`, from the annotation that declares them."""
    pairs = (one.strip().partition(":") for one in notes.get(SECRETS, "").split(",") if ":" in one)
    return {alias: path for alias, _, path in pairs}


def secret_of(secret: str, names: dict[str, str]) -> str:
    """A secret's name in v1: itself, or for a full path an alias, which is put down in `names`."""
    if "/" not in secret:
        return secret
    alias = f"secret-{uuid.uuid5(uuid.NAMESPACE_URL, secret)}"  # gcloud's aliases are of this form
    names[alias] = secret
    return alias


def aliased(names: dict[str, str]) -> dict[str, str]:
    """The annotation that declares these aliases, if there are any."""
    return {SECRETS: ",".join(f"{alias}:{path}" for alias, path in sorted(names.items()))} if names else {}


def volume_v2(given: Document, named: dict[str, str]) -> Document:
    """A volume of v2; one of a kind that v2 does not know keeps only its name."""
    found = picked(given, "name") | copy.deepcopy(picked(given, "nfs", "filestore"))
    if "secret" in given:
        secret = given["secret"]
        name = secret.get("secretName", "")
        found["secret"] = picked({"secret": named.get(name, name)}, "secret") | picked(secret, "defaultMode")
        if secret.get("items"):
            found["secret"]["items"] = [
                picked({"version": one.get("key", "")}, "version") | picked(one, "path", "mode")
                for one in secret["items"]
            ]
    if "emptyDir" in given:
        medium = given["emptyDir"].get("medium", "")
        found["emptyDir"] = picked(given["emptyDir"], "sizeLimit") | ({"medium": medium.upper()} if medium else {})
    if given.get("csi", {}).get("driver") == BUCKETS:
        found["gcs"] = _bucket(given["csi"])
    return found


def _bucket(csi: Document) -> Document:
    attributes = csi.get("volumeAttributes", {})
    found = picked({"bucket": attributes.get("bucketName", "")}, "bucket") | picked(csi, "readOnly")
    options = attributes.get("mountOptions", "")
    return found | ({"mountOptions": options.split(",")} if options else {})


def volume_v1(given: Document, names: dict[str, str]) -> Document:
    """A volume of v1."""
    found = picked(given, "name") | copy.deepcopy(picked(given, "nfs", "filestore"))
    if "secret" in given:
        secret = given["secret"]
        name = {"secretName": secret_of(secret.get("secret", ""), names)}
        found["secret"] = picked(name, "secretName") | picked(secret, "defaultMode")
        if secret.get("items"):
            found["secret"]["items"] = [
                picked({"key": one.get("version", "")}, "key") | picked(one, "path", "mode") for one in secret["items"]
            ]
    if "emptyDir" in given:
        medium = given["emptyDir"].get("medium", "MEDIUM_UNSPECIFIED")
        told = {} if medium == "MEDIUM_UNSPECIFIED" else {"medium": medium.capitalize()}
        found["emptyDir"] = picked(given["emptyDir"], "sizeLimit") | told
    if "gcs" in given:
        bucket = given["gcs"]
        attributes = picked({"bucketName": bucket.get("bucket", "")}, "bucketName")
        if bucket.get("mountOptions"):
            attributes["mountOptions"] = ",".join(bucket["mountOptions"])
        found["csi"] = {"driver": BUCKETS, "volumeAttributes": attributes} | picked(bucket, "readOnly")
    return found


def mounted(task: Document, notes: dict[str, str]) -> Document:
    """A task of v2 with the volume, and its mount in the first container, for the Cloud SQL instances of v1."""
    if not notes.get(INSTANCES):
        return task
    instances = [one.strip() for one in notes[INSTANCES].split(",") if one.strip()]
    volume = {"name": SQL, "cloudSqlInstance": {"instances": instances}}
    found = task | {"volumes": [*task.get("volumes", []), volume]}
    if found.get("containers"):
        first, *others = found["containers"]
        mounts = [*first.get("volumeMounts", []), {"name": SQL, "mountPath": f"/{SQL}"}]
        found["containers"] = [first | {"volumeMounts": mounts}, *others]
    return found


def unmounted(task: Document) -> tuple[Document, dict[str, str]]:
    """A task of v2 without its Cloud SQL volumes and their mounts, and the annotation that names the instances."""
    gone = [one for one in task.get("volumes", []) if "cloudSqlInstance" in one]
    if not gone:
        return task, {}
    names = {one.get("name") for one in gone}
    instances = [each for one in gone for each in one["cloudSqlInstance"].get("instances", [])]
    containers = [
        one | {"volumeMounts": [mount for mount in one.get("volumeMounts", []) if mount.get("name") not in names]}
        for one in task.get("containers", [])
    ]
    volumes = [one for one in task["volumes"] if "cloudSqlInstance" not in one]
    found = task | {"volumes": volumes} | ({"containers": containers} if containers else {})
    return found, {INSTANCES: ",".join(instances)} if instances else {}
