"""The name spaces of OpenADR 2.0b and their usual prefixes."""

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


def qualified(name: str) -> str:
    """``ei:venID`` as lxml writes it: ``{name space}venID``."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"
