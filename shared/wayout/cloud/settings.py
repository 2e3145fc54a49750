"""Settings: where we live, whom we call, and how patient we are. Read once, from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from wayout.cloud import pacing

_SHORT_TOPIC = re.compile(r"^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$")
_TOPIC = re.compile(r"^(projects/[a-z0-9:.-]+/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254})?$")
_GRPC = re.compile(r"^((http://)?[A-Za-z0-9.-]+:[0-9]+)?$")


class SettingsError(ValueError):
    """The environment does not make sense; each problem names its variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("write a URL that starts with http:// or https://")
    return text.rstrip("/")


def _base_url(text: str) -> str:
    return _url(text) + "/"


def _host(text: str) -> str:
    if not _GRPC.match(text):
        raise ValueError("write host:port, with http:// in front for plaintext")
    return text


def _topic(text: str) -> str:
    if not _TOPIC.match(text):
        raise ValueError("write projects/PROJECT/topics/TOPIC, or the name of a topic of the home project")
    return text


def _quotas(given: Any) -> Any:
    return pacing.sizes(given) if isinstance(given, str) else given


Quotas = Annotated[Mapping[str, int], BeforeValidator(_quotas)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Host = Annotated[str, AfterValidator(_host)]
Url = Annotated[str, AfterValidator(_url)]


class Settings(BaseModel):
    """What the environment says. Empty endpoints mean Google's own; a gRPC endpoint after `http://` is plaintext."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore", str_strip_whitespace=True)

    # Home project: the ledger and the topics are there.
    project: str = Field(validation_alias="WAYOUT_PROJECT", min_length=1)
    # Path of the policy file.
    policy: str = Field("", validation_alias="WAYOUT_POLICY")
    # Full name of the topic for outcomes; a short name is taken for one of the home project.
    outcome_topic: Annotated[str, AfterValidator(_topic)] = Field("", validation_alias="WAYOUT_OUTCOME_TOPIC")
    # Our service account's e-mail address, by which we know our own events and say who needs a permission.
    principal: str = Field("", validation_alias="WAYOUT_PRINCIPAL")
    ledger_log: str = Field("wayout-ledger", validation_alias="WAYOUT_LEDGER_LOG")
    # `debug`: events that were set aside are logged too. The log reads it itself, before there are settings.
    log: Literal["info", "debug"] = Field("info", validation_alias="WAYOUT_LOG")

    budget_seconds: Seconds = Field(480.0, validation_alias="WAYOUT_BUDGET_SECONDS")
    # Between two looks at one operation.
    poll_seconds: Seconds = Field(5.0, validation_alias="WAYOUT_POLL_SECONDS")
    # Before the first retry of one call; the next ones wait twice as long each.
    backoff_seconds: Seconds = Field(1.0, validation_alias="WAYOUT_BACKOFF_SECONDS")

    # How many processes like this one may run at once: each keeps to its part of Google's quotas on requests.
    instances: int = Field(1, validation_alias="WAYOUT_INSTANCES", ge=1)
    # Quotas that differ from Google's usual ones, such as `run/write=120,compute/list=3000`, in calls per minute.
    quotas: Quotas = Field(default_factory=dict, validation_alias="WAYOUT_QUOTAS")
    # How long a quota's minute is; 0: calls are not paced.
    quota_minute_seconds: Seconds = Field(60.0, validation_alias="WAYOUT_QUOTA_MINUTE_SECONDS")

    # A bearer token that is used as it is, instead of Application Default Credentials.
    token: SecretStr = Field(SecretStr(""), validation_alias="WAYOUT_TOKEN")
    endpoint_run: Host = Field("", validation_alias="WAYOUT_ENDPOINT_RUN")
    endpoint_vpcaccess: Host = Field("", validation_alias="WAYOUT_ENDPOINT_VPCACCESS")
    endpoint_logging: Host = Field("", validation_alias="WAYOUT_ENDPOINT_LOGGING")
    endpoint_pubsub: Host = Field("", validation_alias="WAYOUT_ENDPOINT_PUBSUB")
    endpoint_compute: Url = Field("", validation_alias="WAYOUT_ENDPOINT_COMPUTE")
    endpoint_vpcaccess_rest: Url = Field("", validation_alias="WAYOUT_ENDPOINT_VPCACCESS_REST")
    endpoint_dns: Url = Field("", validation_alias="WAYOUT_ENDPOINT_DNS")

    slack_token: SecretStr = Field(SecretStr(""), validation_alias="SLACK_TOKEN")
    slack_channel: str = Field("", validation_alias="SLACK_CHANNEL")
    slack_base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://slack.com/api/", validation_alias="SLACK_BASE_URL"
    )
    # Bound on sleeping because Slack asks us to (Retry-After).
    slack_patience_seconds: Seconds = Field(60.0, validation_alias="SLACK_PATIENCE_SECONDS")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the variables; a blank one counts as unset. Raises SettingsError, naming each variable at fault."""
        try:
            return cls.model_validate({name: text.strip() for name, text in env.items() if text.strip()})
        except ValidationError as error:
            raise SettingsError([_problem(dict(one)) for one in error.errors(include_input=False)]) from None

    @model_validator(mode="before")
    @classmethod
    def _home_topic(cls, given: Any) -> Any:
        """A short topic name belongs to the home project."""
        for topic, project in (("WAYOUT_OUTCOME_TOPIC", "WAYOUT_PROJECT"), ("outcome_topic", "project")):
            short = isinstance(given, dict) and str(given.get(topic, ""))
            if short and _SHORT_TOPIC.match(short):
                return given | {topic: f"projects/{given.get(project, '')}/topics/{short}"}
        return given


def _problem(error: dict[str, Any]) -> str:
    variable = ".".join(map(str, error["loc"])) or "environment"
    message = "is not set" if error["type"] == "missing" else str(error["msg"]).removeprefix("Value error, ")
    return f"{variable}: {message}"
