"""The name spaces of OpenADR 2.0b and their usual prefixes."""

from functools import cache

NAMESPACES = {
    "oadr": "http://openadr.org/oadr-2.0b/2012/07",
    "ei": "http://docs.oasis-open.org/ns/energyinterop/201110",
    "pyld": "http://docs.oasis-open.org/ns/energyinterop/201110/payloads",
    "emix": "http://docs.oasis-open.org/ns/emix/2011/06",
    "power": "http://docs.oasis-open.org/ns/emix/2011/06/power",
    "scale": "http://docs.oasis-open.org/ns/emix/2011/06/siscale",
    "xcal": "urn:ietf:params:xml:ns:icalendar-2.0",
    "strm": "urn:ietf:params:xml:ns:icalendar-2.0:stream",
    "gml": "http://www.opengis.net/gml/3.2",
    "atom": "http://www.w3.org/2005/Atom",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@cache
def clark(path: str) -> str:
    """``ei:eiResponse/pyld:requestID`` as lxml takes it without a map: ``{name space}eiResponse/{...}requestID``."""
    return "/".join(_step(step) for step in path.split("/"))


def _step(step: str) -> str:
    prefix, colon, local = step.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else step
