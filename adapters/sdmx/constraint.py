"""What is there as a constraint of actual content, in SDMX-ML 2.1 and 3.0. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from lxml import etree
from lxml.builder import ElementMaker

from adapters.formats.sdmx_csv import AGENCY, SDMX_CSV_VERSION
from adapters.sdmx.asked import TIME_PERIOD
from adapters.sdmx.availability import Content
from adapters.sdmx.structure import Artefact, dataflow_reference
from meter_driver.instants import stamp
from policies.terms import Period

_NAMES = {"mes": "message", "str": "structure", "com": "common"}
_BASE = "http://www.sdmx.org/resources/sdmxml/schemas/"
_SAID = (
    "What the grounds of the caller cover at this moment, of what is past. Whether there is a value for each interval, "
    "which meters a household has, and which cells a place has, is said by the data."
)


def artefacts_2_1(contents: Iterable[Content]) -> list[Artefact]:
    """For ``structure.message``: a ContentConstraint for each."""
    form = _Form("v2_1")
    return [Artefact("contentconstraint", _id(each), partial(form.content_constraint, each)) for each in contents]


def message_3_0(contents: Iterable[Content], *, number: str, prepared: datetime) -> bytes:
    """A structure message (SDMXMessage.xsd of 3.0, Structure) with a DataConstraint for each. ``prepared`` is UTC."""
    form = _Form("v3_0")
    mes, header = form.mes, [("ID", number), ("Test", "false"), ("Prepared", stamp(prepared))]
    told = [form.data_constraint(each) for each in contents]
    root = mes.Structure(
        mes.Header(*(mes(name, text) for name, text in header), mes.Sender(id=AGENCY)),
        mes.Structures(form.str.DataConstraints(*told)),
    )
    return _written(root)


def error_3_0(code: str, text: str) -> bytes:
    """An error message (SDMXMessage.xsd of 3.0, Error)."""
    form = _Form("v3_0")
    return _written(form.mes.Error(form.mes.ErrorMessage(form.com.Text(text), code=code)))


def _id(content: Content) -> str:
    return f"AVAILABLE_{content.flow}"


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class _Form:
    """The elements of one version of the schemas, ``v2_1`` or ``v3_0``."""

    def __init__(self, version: str) -> None:
        spaces = {short: f"{_BASE}{version}/{name}" for short, name in _NAMES.items()}
        self.mes, self.str, self.com = (ElementMaker(namespace=spaces[each], nsmap=spaces) for each in spaces)

    def content_constraint(self, content: Content) -> etree._Element:
        """2.1: the period is a key value of its own."""
        flow = self.str.Dataflow(dataflow_reference(content.flow))
        times = _time_range(self.com, content.period)
        region = self.str.CubeRegion(*_key_values(self.com, content, {}), *times, include="true")
        return self.str.ContentConstraint(*self._told(content, flow), region, type="Actual", **_attributes(content))

    def data_constraint(self, content: Content) -> etree._Element:
        """3.0: the period is the validity of the others, and a key value where it alone is asked for."""
        urn = f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{content.flow}({SDMX_CSV_VERSION})"
        valid, period = {}, content.period
        if period is not None and content.values:
            valid, period = {"validFrom": stamp(period.start), "validTo": stamp(period.end)}, None
        selections = (*_key_values(self.str, content, valid), *_time_range(self.str, period))
        told = self._told(content, self.str.Dataflow(urn))
        return self.str.DataConstraint(
            *told, self.str.CubeRegion(*selections, include="true"), role="Actual", **_attributes(content)
        )

    def _told(self, content: Content, flow: etree._Element) -> Iterator[etree._Element]:
        com = self.com
        yield com.Annotations(com.Annotation(com.AnnotationType("scope"), com.AnnotationText(_SAID)))
        yield com.Name(f"Available of {content.flow}")
        yield self.str.ConstraintAttachment(flow)


def _key_values(of: ElementMaker, content: Content, valid: dict[str, str]) -> Iterator[etree._Element]:
    """``of``: the namespace of selections, which has moved from one version to the other."""
    for dimension, values in content.values.items():
        yield of.KeyValue(*(of.Value(value) for value in values), id=dimension, **valid)


def _time_range(of: ElementMaker, period: Period | None) -> Iterator[etree._Element]:
    if period is not None:
        begin = of.StartPeriod(stamp(period.start), isInclusive="true")
        yield of.KeyValue(of.TimeRange(begin, of.EndPeriod(stamp(period.end), isInclusive="false")), id=TIME_PERIOD)


def _attributes(content: Content) -> dict[str, str]:
    return {"id": _id(content), "agencyID": AGENCY, "version": SDMX_CSV_VERSION}
