"""Who may do what with a topic or a subscription: the IAM policy on each."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import NOT_FOUND, ApiError
from localcloud.iam import policies
from localcloud.iam.testing import tested
from localcloud.pubsub.mailroom import SUBSCRIPTIONS, TOPICS
from localcloud.pubsub.rules import named

_TABLES = {"topics": TOPICS, "subscriptions": SUBSCRIPTIONS}


def _serve(kind: str) -> None:
    id_ = f"pubsub.projects.{kind}"

    @serves(f"{id_}.getIamPolicy", permissions=(f"pubsub.{kind}.getIamPolicy",))
    def get_policy(cloud: Cloud, call: Call) -> Document:
        return policies.read(cloud, _found(cloud, call, kind))

    @serves(f"{id_}.setIamPolicy", permissions=(f"pubsub.{kind}.setIamPolicy",))
    def set_policy(cloud: Cloud, call: Call) -> Document:
        return policies.write(cloud, _found(cloud, call, kind), call.body.get("policy", {}))

    @serves(f"{id_}.testIamPermissions")
    def test_permissions(cloud: Cloud, call: Call) -> Document:
        return tested(cloud, call, _found(cloud, call, kind))


def _found(cloud: Cloud, call: Call, kind: str) -> str:
    """The canonical name of what the call is about, which must exist."""
    name = named(cloud, call.params["resource"], kind)
    if name not in cloud.table(_TABLES[kind]):
        raise ApiError(NOT_FOUND, f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")
    return name


for _kind in _TABLES:
    _serve(_kind)
