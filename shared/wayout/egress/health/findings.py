"""What a doctor says: findings in green, red and unknown. Schema: docs/schemas."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

Mark = Literal["green", "red", "unknown"]


class Finding(BaseModel):
    """One thing that was examined. `step`: what to do next, where it is not green."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    area: str
    what: str
    mark: Mark
    said: str
    step: str = ""


class Diagnosis(BaseModel):
    """Everything that was examined, in the order in which it is told."""

    model_config = ConfigDict(frozen=True)

    project: str
    findings: tuple[Finding, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mark(self) -> Mark:
        """The worst of the findings: red before unknown before green."""
        marks = {one.mark for one in self.findings}
        return "red" if "red" in marks else "unknown" if "unknown" in marks else "green"


def green(area: str, what: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(area=area, what=what, mark="green", said=said)


def red(area: str, what: str, said: str, step: str) -> Finding:
    """It is broken: the cause, and what to do next."""
    return Finding(area=area, what=what, mark="red", said=said, step=step)


def unknown(area: str, what: str, why: str, step: str) -> Finding:
    """It cannot be seen from here: never green, and never red."""
    return Finding(area=area, what=what, mark="unknown", said=f"not known: {why}", step=step)
