"""The data structure of our data sets as an SDMX-ML 2.1 structure message. Pure.

One concept scheme, three codelists, one data structure definition (households and cells have the same columns) and two
dataflows. ``adapters.formats.sdmx_csv`` writes data for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lxml import etree
from lxml.builder import ElementMaker

from adapters.formats.sdmx_csv import AGENCY, CELLS, DSD, LOAD, SDMX_CSV_VERSION, STATUS, UNRELIABLE
from adapters.formats.unece import ONE, OTHER, UNIT_CODES
from meter_driver.amounts import Method
from meter_driver.instants import stamp

_BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/"
SDMX_MESSAGE, SDMX_STRUCTURE, COMMON = _BASE + "message", _BASE + "structure", _BASE + "common"
_NAMESPACES = {"mes": SDMX_MESSAGE, "str": SDMX_STRUCTURE, "com": COMMON}
_MES = ElementMaker(namespace=SDMX_MESSAGE, nsmap=_NAMESPACES)
_STR = ElementMaker(namespace=SDMX_STRUCTURE, nsmap=_NAMESPACES)
_COM = ElementMaker(namespace=COMMON, nsmap=_NAMESPACES)
_REF = ElementMaker()

SCHEME = "CS_ENERGY"
CONCEPTS = {
    "SUBJECT": "Pairwise pseudonym of a household, or cell of a community",
    "QUANTITY": "OBIS code (IEC 62056-61) or EN 13757-3 quantity",
    "METER": "Which meter of the household, by its label there; _Z for a cell, _X where none is named",
    "TIME_PERIOD": "Interval of the value (start and duration) or its instant, UTC; days are the gateway's",
    "OBS_VALUE": "The value, with the digits it came with; empty where it is missing",
    "UNIT_MEASURE": "Unit of the value",
    "OBS_STATUS": "How the value came about",
    "COMPLETENESS": "Share of the interval that readings speak for, or of a cell's members that are in it, 0 to 1",
    "METHOD": "How an estimated value was worked out",
}
CODELISTS: dict[str, dict[str, str]] = {
    "CL_UNIT": {code: unit for unit, code in UNIT_CODES.items()} | {ONE: "one", OTHER: "another unit"},
    "CL_OBS_STATUS": {code: word for word, code in STATUS.items()} | {UNRELIABLE: "low reliability"},
    "CL_METHOD": {method.value: method.value for method in Method if method.value},
}
"""``CL_OBS_STATUS``: those codes of the cross-domain codelist that occur here, each with its meaning there."""
DATAFLOWS = {LOAD: "Metered values of households", CELLS: "Metered values of communities, sums over cohorts"}


@dataclass(frozen=True, slots=True)
class Artefact:
    """One maintainable artefact: resource name as in REST paths, id, and its XML."""

    resource: str
    id: str
    build: Callable[[], etree._Element]


def artefacts() -> list[Artefact]:
    """Everything this agency maintains, in the order of the message schema."""
    return [
        *(Artefact("dataflow", name, partial(_dataflow, name, title)) for name, title in DATAFLOWS.items()),
        *(Artefact("codelist", name, partial(_codelist, name, codes)) for name, codes in CODELISTS.items()),
        Artefact("conceptscheme", SCHEME, _scheme),
        Artefact("datastructure", DSD, _definition),
    ]


_CONTAINERS = {
    "dataflow": "Dataflows",
    "codelist": "Codelists",
    "conceptscheme": "Concepts",
    "datastructure": "DataStructures",
    "contentconstraint": "Constraints",
}


def message(chosen: Iterable[Artefact], *, number: str, prepared: datetime) -> bytes:
    """A structure message (SDMXMessage.xsd, Structure) with these artefacts. ``prepared`` is UTC."""
    groups: dict[str, list[etree._Element]] = {}
    for artefact in chosen:
        groups.setdefault(artefact.resource, []).append(artefact.build())
    structures = _MES.Structures(*(_STR(_CONTAINERS[kind], *groups[kind]) for kind in _CONTAINERS if kind in groups))
    header = _MES.Header(_MES.ID(number), _MES.Test("false"), _MES.Prepared(stamp(prepared)), _MES.Sender(id=AGENCY))
    return _written(_MES.Structure(header, structures))


def error(code: str, text: str) -> bytes:
    """An error message (SDMXMessage.xsd, Error); codes of the SDMX REST guidelines 1.5."""
    return _written(_MES.Error(_MES.ErrorMessage(_COM.Text(text), code=code)))


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _maintained(tag: str, name: str, title: str, *children: etree._Element) -> etree._Element:
    attributes = {"id": name, "agencyID": AGENCY, "version": SDMX_CSV_VERSION, "isFinal": "true"}
    return _STR(tag, _name(title), *children, **attributes)


def _name(text: str) -> etree._Element:
    name = _COM.Name(text)
    name.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    return name


def _reference(name: str, kind: str, package: str) -> etree._Element:
    return _REF.Ref(id=name, version=SDMX_CSV_VERSION, agencyID=AGENCY, **{"class": kind, "package": package})


def dataflow_reference(name: str) -> etree._Element:
    """To one of our dataflows."""
    return _reference(name, "Dataflow", "datastructure")


def _dataflow(name: str, title: str) -> etree._Element:
    structure = _STR.Structure(_reference(DSD, "DataStructure", "datastructure"))
    return _maintained("Dataflow", name, title, structure)


def _codelist(name: str, codes: dict[str, str]) -> etree._Element:
    return _maintained("Codelist", name, name, *(_STR.Code(_name(text), id=code) for code, text in codes.items()))


def _scheme() -> etree._Element:
    concepts = (_STR.Concept(_name(text), id=name) for name, text in CONCEPTS.items())
    return _maintained("ConceptScheme", SCHEME, "Concepts of metered energy", *concepts)


def _concept(name: str) -> etree._Element:
    of = {"maintainableParentID": SCHEME, "maintainableParentVersion": SDMX_CSV_VERSION, "agencyID": AGENCY}
    reference = _REF.Ref(id=name, **of, **{"class": "Concept", "package": "conceptscheme"})
    return _STR.ConceptIdentity(reference)


def _text(kind: str) -> etree._Element:
    return _STR.LocalRepresentation(_STR.TextFormat(textType=kind))


def _coded(codelist: str) -> etree._Element:
    return _STR.LocalRepresentation(_STR.Enumeration(_reference(codelist, "Codelist", "codelist")))


def _attribute(name: str, representation: etree._Element, assignment: str = "Mandatory") -> etree._Element:
    relationship = _STR.AttributeRelationship(_STR.PrimaryMeasure(_REF.Ref(id="OBS_VALUE")))
    return _STR.Attribute(_concept(name), representation, relationship, id=name, assignmentStatus=assignment)


def _dimensions() -> etree._Element:
    words = ("SUBJECT", "QUANTITY", "METER")
    dimensions = [
        _STR.Dimension(_concept(name), _text("String"), id=name, position=str(place))
        for place, name in enumerate(words, 1)
    ]
    period = _text("ObservationalTimePeriod")
    time = _STR.TimeDimension(_concept("TIME_PERIOD"), period, id="TIME_PERIOD", position=str(len(words) + 1))
    return _STR.DimensionList(*dimensions, time, id="DimensionDescriptor")


def _definition() -> etree._Element:
    """The unit is an attribute of the observation, not of the series: it is one for a quantity, but no key."""
    attributes = _STR.AttributeList(
        _attribute("UNIT_MEASURE", _coded("CL_UNIT")),
        _attribute("OBS_STATUS", _coded("CL_OBS_STATUS")),
        _attribute("COMPLETENESS", _text("Decimal")),
        _attribute("METHOD", _coded("CL_METHOD"), "Conditional"),
        id="AttributeDescriptor",
    )
    measure = _STR.PrimaryMeasure(_concept("OBS_VALUE"), _text("Decimal"), id="OBS_VALUE")
    measures = _STR.MeasureList(measure, id="MeasureDescriptor")
    return _maintained(
        "DataStructure", DSD, "Metered energy", _STR.DataStructureComponents(_dimensions(), attributes, measures)
    )
