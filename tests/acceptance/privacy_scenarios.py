"""More towns for the kit's ``equations.py``: balances, phases, mean power, and single values of two hours.

For ``--scenarios tests.acceptance.privacy_scenarios``. Each is a function of the kit's ``Town``.
"""

from collections.abc import Callable, Sequence

from equations import BALANCE, EXPORT, PHASE1, PHASE2, PHASE3, POWER, TARIFF1, TARIFF2, TOTAL, Single, Town

TWO_HOURS = 7200


def two_hour_singles(town: Town) -> None:
    """All but one are seen by two hours: two cells less their values are that one's two hours."""
    homes = town.add(town.k, (TOTAL,))
    town.singles += [Single(h, "B", "advice", (TOTAL,), seconds=TWO_HOURS) for h in homes[:-1]]


def two_hours_after_the_figures(town: Town) -> None:
    """The same, when the figures have long been told."""
    homes = town.add(town.k + 1, (TOTAL,))
    town.singles += [Single(h, "B", "advice", (TOTAL,), seconds=TWO_HOURS, late=True) for h in homes[:-1]]


def balances(town: Town) -> None:
    """A balance is import less export; one accepts no balance, one meter has none."""
    town.add(town.k, (TOTAL, EXPORT, BALANCE))
    town.add(1, (TOTAL, EXPORT), (TOTAL, EXPORT, BALANCE))
    town.add(1, (TOTAL, EXPORT, BALANCE), (TOTAL, EXPORT))


def balances_seen(town: Town) -> None:
    """Figures of import and export; single balances, before and after."""
    homes = town.add(town.k + 1, (TOTAL, EXPORT), (TOTAL, EXPORT, BALANCE))
    town.singles += [Single(h, "B", "advice", (BALANCE,), late=n % 2 == 0) for n, h in enumerate(homes[:-1])]


def phases(town: Town) -> None:
    """A total is the sum of its phases; one accepts two of them."""
    town.add(town.k, (TOTAL, PHASE1, PHASE2, PHASE3))
    town.add(1, (TOTAL, PHASE1, PHASE2), (TOTAL, PHASE1, PHASE2, PHASE3))


def mean_power(town: Town) -> None:
    """Mean power times an hour is energy; one accepts no power."""
    town.add(town.k, (TOTAL, POWER))
    town.add(1, (TOTAL,), (TOTAL, POWER))


def mean_power_seen(town: Town) -> None:
    """Figures of energy, single values of power, before and after."""
    homes = town.add(town.k + 1, (TOTAL,), (TOTAL, POWER))
    town.singles += [Single(h, "B", "advice", (POWER,), late=n % 2 == 0) for n, h in enumerate(homes[:-1])]


def under_other_names_after_the_figures(town: Town) -> None:
    """Pseudonymous parts of a total, late, and somebody leaves."""
    homes = town.add(town.k + 2, (TOTAL, TARIFF1, TARIFF2))
    words = {"level": "pseudonymous", "late": True}
    town.singles += [Single(h, "A", "research", (TOTAL, TARIFF1), **words) for h in homes[:-1]]
    town.leave += homes[-1:]


EQUATIONS: Sequence[Callable[[Town], None]] = (
    two_hour_singles,
    two_hours_after_the_figures,
    balances,
    balances_seen,
    phases,
    mean_power,
    mean_power_seen,
    under_other_names_after_the_figures,
)
