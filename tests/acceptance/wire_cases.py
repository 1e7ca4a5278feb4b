"""Homes of the judge of the bill for the product as it is run: ``score.py --cases-file`` takes this file.

The truth, the registers and the rules are the judge's; what flows in a home follows from the seed. All homes of a case
live at one gateway, each with a box of its own, and every way out is asked for every quarter and day.
"""

from collections.abc import Callable, Sequence

from meters import Reading, between, nonsense
from stage import CASES, DAY, HOUR, MINUTE, QUARTER, Case, Home, Stage
from world import Circuit, boiler, clock, decimal, household, taps

BERLIN = "Europe/Berlin"
REGISTER = "1-0:1.8.0"
Kind = Callable[[Home, int, int], list[Reading]]
"""A home becomes what it is, from one midnight to another; what its meters say meanwhile, in order."""


def _flows(home: Home, begin: int, end: int) -> Circuit:
    return household(home.stage.rng, begin, end + DAY, zone=BERLIN)


def _in_order(*some: list[Reading]) -> list[Reading]:
    return sorted((reading for readings in some for reading in readings), key=lambda reading: reading.at)


def plain(home: Home, begin: int, end: int) -> list[Reading]:
    """A register, each quarter of an hour."""
    return _in_order(home.register(REGISTER, _flows(home, begin, end)).read(begin, end, QUARTER))


def exchanged(home: Home, begin: int, end: int) -> list[Reading]:
    """The meter that comes at 09:07 stands 2 kWh above the one that goes: only the serial number tells."""
    series = home.register(REGISTER, _flows(home, begin, end), stand="500.000", serial="METER001")
    when = begin + 9 * HOUR + 7 * MINUTE
    stand = decimal(series.inner(when, series.lives[0]) / 3_600_000 + 2, 3)
    series.exchange(when, stand=stand, serial="METER002")
    return _in_order(series.read(begin, end, QUARTER))


def heat_pump(home: Home, begin: int, end: int) -> list[Reading]:
    """Two meters of one kind, on two lines of one box."""
    second = {"component": "heatpump", "serial": "B2", "stand": "4000.000"}
    other = home.register(REGISTER, _flows(home, begin, end), **second)
    return _in_order(plain(home, begin, end), other.read(begin, end, QUARTER))


def behind_the_port(home: Home, begin: int, end: int) -> list[Reading]:
    """Gas and water behind the P1 port: each telegram repeats their last stands, with the instants of these."""
    circuit = boiler(home.stage.rng, begin, end + DAY)
    gas = home.register("0-1:24.2.1", circuit, component="gas-1", serial="G7", stand="812.500", unit="m3")
    circuit = taps(home.stage.rng, begin, end + DAY, step=5 * MINUTE)
    water = home.register("0-2:24.2.1", circuit, component="cold-water-2", serial="W8", stand="81.250", unit="m3")
    return _in_order(gas.read(begin, end, HOUR), water.read(begin, end, QUARTER), plain(home, begin, end))


def other_unit(home: Home, begin: int, end: int) -> list[Reading]:
    """New firmware at 10:10 says kWh where it said Wh."""
    series = home.register(REGISTER, _flows(home, begin, end), stand="1000000", unit="Wh", decimals=0, digits=9)
    series.faces.append((begin + 10 * HOUR + 10 * MINUTE, "kWh", 1))
    return _in_order(series.read(begin, end, QUARTER))


def nonsensical(home: Home, begin: int, end: int) -> list[Reading]:
    """One telegram says 0, another one all nines."""
    readings = plain(home, begin, end)
    for hours, said in ((9, "0"), (33, "999999.999")):
        at = next(i for i, reading in enumerate(readings) if reading.at == begin + hours * HOUR + 30 * MINUTE)
        readings[at] = nonsense(readings[at], said, f"says {said}")
    return readings


def june(stage: Stage) -> None:
    """Two days, nine homes; a gateway is killed while meters go on: each row follows from the telegrams."""
    begin = stage.at(clock("2026-06-08 00:00", BERLIN), BERLIN)
    end = begin + 2 * DAY
    homes = _said(stage, (exchanged, heat_pump, behind_the_port, other_unit, nonsensical), begin, end)
    homes += [act(stage, begin, end) for act in (_selecting, _declared, _replaced, _waiting)]
    for home in homes:
        _judge(home, begin, end)


def autumn(stage: Stage) -> None:
    """The clocks go back, the port's hour from two to three comes twice: a day of 25 hours."""
    begin, end = stage.at(clock("2026-10-24 00:00", BERLIN), BERLIN), clock("2026-10-26 00:00", BERLIN)
    (home,) = _said(stage, (behind_the_port,), begin, end)
    _judge(home, begin, end)


def spring(stage: Stage) -> None:
    """The clocks go forward: a day of 23 hours; the household's own export has all of it."""
    begin, end = stage.at(clock("2026-03-28 00:00", BERLIN), BERLIN), clock("2026-03-30 00:00", BERLIN)
    (home,) = _said(stage, (plain,), begin, end)
    _judge(home, begin, end, export=True)
    _judge(_pushed(stage, begin, end), begin, end)


def _said(stage: Stage, kinds: Sequence[Kind], begin: int, end: int) -> list[Home]:
    homes = [stage.home(kind.__name__) for kind in kinds]
    for readings in [kind(home, begin, end) for kind, home in zip(kinds, homes, strict=True)]:
        stage.deliver(readings)
    return homes


def _judge(home: Home, begin: int, end: int, **more: bool) -> None:
    last = max(reading.at for series in home.series for reading in series.facts)
    lengths = (QUARTER, DAY) if last >= end else (QUARTER, HOUR)
    home.stage.judge(home, begin, min(last, end), lengths, ways=True, **more)


def _pushed(stage: Stage, begin: int, end: int) -> Home:
    """A meter that pushes encrypted lists in whole Wh is exchanged for one that stands 2 kWh higher."""
    home, when = stage.home("pushed"), begin + 9 * HOUR + 7 * MINUTE
    series = home.register(REGISTER, _flows(home, begin, end), stand="1037119", unit="Wh", decimals=0, serial="1KFM01")
    stand = decimal(series.inner(when, series.lives[0]) / 3600 + 2000, 0)
    series.exchange(when, stand=stand, serial="1KFM02")
    stage.open()
    stage.driver.push(home.boxes[-1])
    stage.deliver(series.read(begin, end, QUARTER))
    return home


def _selecting(stage: Stage, begin: int, end: int) -> Home:
    """For three hours a telegram each ten seconds, of which the household's rule lets out one a minute."""
    home, end = stage.home("selecting"), min(begin + 3 * HOUR, end)
    circuit = _flows(home, begin, end)
    register = home.register(REGISTER, circuit)
    power = home.instant("1-0:1.7.0", circuit, unit="kW", decimals=3, cadence=MINUTE)
    every = _in_order(register.read(begin, end, 10), power.read(begin, end, 10))
    stage.open()
    stage.driver.select(home.boxes[-1], [{"quantity": "*", "every": 60}])
    stage.driver.in_between(home.boxes[-1], [reading.record() for reading in every if reading.at % MINUTE])
    stage.deliver(reading for reading in every if not reading.at % MINUTE)
    return home


def _declared(stage: Stage, begin: int, end: int) -> Home:
    """The operator writes down both stands of an exchange."""
    home, when = stage.home("declared"), begin + 9 * HOUR + 7 * MINUTE
    series = home.register(REGISTER, _flows(home, begin, end), stand="9596.3", serial="METER001", decimals=1)
    series.exchange(when, stand="20.0", serial="METER002")
    readings = series.read(begin, end, QUARTER)
    stage.deliver(between(readings, begin, when))
    home.declare(series, when)
    stage.deliver(between(readings, when, end + 1))
    return home


def _replaced(stage: Stage, begin: int, end: int) -> Home:
    """Another box comes in the morning; the meter behind it is the same."""
    home = stage.home("replaced")
    readings = plain(home, begin, end)
    stage.deliver(between(readings, begin, begin + 9 * HOUR))
    stage.new_box(home)
    stage.deliver(between(readings, begin + 9 * HOUR, end + 1))
    return home


def _waiting(stage: Stage, begin: int, end: int) -> Home:
    """The gateway is killed; the box keeps what it reads meanwhile, and brings it when there is a gateway again."""
    home = stage.home("waiting")
    readings = plain(home, begin, end)
    stage.deliver(between(readings, begin, begin + 14 * HOUR))
    stage.driver.unplugged = True
    stage.deliver(between(readings, begin + 14 * HOUR, end + 1))
    stage.driver.unplugged = False
    return home


def _case(name: str, play: Callable[[Stage], None]) -> Case:
    """What happens, and what is right, as the docstring says them."""
    what, _, right = str(play.__doc__).partition(": ")
    return Case(f"wire/{name}", play, what, right)


CASES += [_case("june", june), _case("day-of-25-hours", autumn), _case("day-of-23-hours", spring)]
