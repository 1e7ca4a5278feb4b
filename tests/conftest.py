"""One way of running for every test: property tests know no deadline, and no test inherits another's logging.

A run of the tests of articles (``-m gdpr``) ends with a list of them.
"""

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
    """Where mutants are run, tests of one case come before those of many: they kill most of them, and at once.

    Which article a test shows goes into its report, also from another process.
    """
    for item in items:
        item.user_properties += [("gdpr", mark.args[0]) for mark in item.iter_markers("gdpr")]
    if config.getoption("--hypothesis-profile") == "mutants":
        items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Article, how it ended, test: where tests were chosen by that mark."""
    if "gdpr" not in config.getoption("markexpr"):
        return
    reports = [each for some in terminalreporter.stats.values() for each in some if isinstance(each, pytest.TestReport)]
    told = {
        (int(article.partition("(")[0]), article, each.nodeid, each.outcome)
        for each in reports
        for name, article in ((name, str(value)) for name, value in each.user_properties)
        if name == "gdpr" and (each.when == "call" or not each.passed)
    }
    terminalreporter.section("articles of the GDPR")
    for _, article, test, outcome in sorted(told):
        terminalreporter.write_line(f"Art. {article:<9} {outcome:<8} {test}")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command under test configures the process's log onto a stream that is closed afterwards."""
    yield
    structlog.reset_defaults()
