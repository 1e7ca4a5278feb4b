"""Which form of an answer a caller takes: ``Accept`` of RFC 9110, section 12.5.1."""

from collections.abc import Sequence

_MOST_PARTS = 32


def chosen(accept: str, ours: Sequence[str]) -> str | None:
    """The media type of ours that is wanted most, the first of ours where nothing is asked for; None: none is taken."""
    wanted: list[tuple[float, str]] = []
    for part in accept.split(",")[:_MOST_PARTS]:
        name, _, parameters = part.strip().lower().partition(";")
        weight = next((p.strip()[2:] for p in parameters.split(";") if p.strip().startswith("q=")), "1")
        try:
            wanted.append((-float(weight), name.strip()))
        except ValueError:
            continue
    for order, name in sorted(wanted, key=lambda each: each[0]):
        found = next((o for o in ours if name in ("", "*/*", o, o.split("/")[0] + "/*")), None)
        if found is not None and order < 0:
            return found
    return None
