"""One way of running for every test: property tests know no deadline, and no test inherits another's logging."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("metergate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "mutants", settings.get_profile("metergate"), max_examples=20, derandomize=True, database=None,
    phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
"""What ``make mutants`` runs with: few examples, the same ones each time, and no shrinking."""
settings.load_profile("metergate")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where mutants are run, tests of one case come before those of many: they kill most of them, and at once."""
    if config.getoption("--hypothesis-profile") == "mutants":
        items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command under test configures the process's log onto a stream that is closed afterwards."""
    yield
    structlog.reset_defaults()
