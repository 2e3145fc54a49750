"""One stub provider serves all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra import terraform


@pytest.fixture(scope="session")
def stub() -> Iterator[terraform.StubProvider]:
    """The provider's process; without Terraform, the test is skipped."""
    terraform.require()
    with terraform.StubProvider() as running:
        yield running
