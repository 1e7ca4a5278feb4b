"""What a 2.0b message must look like, as tables of our own, compiled to RELAX NG for libxml2.

``ELEMENTS`` holds the content of each element: names in their order, each followed by ``?``, ``*`` or ``+`` where it
may be missing or repeated; ``|`` separates alternatives; ``name=type`` gives an element another content than the one
under its own name. ``VALUES_OF_ELEMENT`` holds the text types. Messages that only a VTN sends are known by name alone.
"""

from functools import cache

from lxml import etree

from adapters.openadr.v2b.names import NAMESPACES, clark

FROM_VEN = (
    "oadrCreatedEvent", "oadrRequestEvent", "oadrResponse", "oadrCancelOpt", "oadrCreateOpt", "oadrCancelReport",
    "oadrCanceledReport", "oadrCreateReport", "oadrCreatedReport", "oadrRegisterReport", "oadrRegisteredReport",
    "oadrUpdateReport", "oadrUpdatedReport", "oadrCancelPartyRegistration", "oadrCanceledPartyRegistration",
    "oadrCreatePartyRegistration", "oadrQueryRegistration", "oadrPoll",
)  # fmt: skip
FROM_VTN_ONLY = (
    "oadrDistributeEvent", "oadrCanceledOpt", "oadrCreatedOpt", "oadrCreatedPartyRegistration",
    "oadrRequestReregistration",
)  # fmt: skip

_ITEM = (
    "oadr:customUnit | oadr:current | oadr:currency | oadr:currencyPerKWh | oadr:currencyPerKW | oadr:currencyPerThm"
    " | oadr:frequency | oadr:Therm | oadr:temperature | oadr:pulseCount | oadr:oadrGBDataDescription | power:voltage"
    " | power:energyApparent | power:energyReactive | power:energyReal | power:powerApparent | power:powerReactive"
    " | power:powerReal"
)
_CURRENCY = "oadr:itemDescription=money oadr:itemUnits=currency scale:siScaleCode"

ELEMENTS = {
    "oadr:oadrPayload": "ds:Signature=anything? oadr:oadrSignedObject",
    "oadr:oadrSignedObject": " | ".join(
        [f"oadr:{name}" for name in FROM_VEN] + [f"oadr:{name}=anything" for name in FROM_VTN_ONLY]
    ),
    # EiRegisterParty
    "oadr:oadrQueryRegistration": "pyld:requestID",
    "oadr:oadrCreatePartyRegistration": "pyld:requestID ei:registrationID? ei:venID? oadr:oadrProfileName"
    " oadr:oadrTransportName oadr:oadrTransportAddress? oadr:oadrReportOnly oadr:oadrXmlSignature oadr:oadrVenName?"
    " oadr:oadrHttpPullModel?",
    "oadr:oadrCancelPartyRegistration": "pyld:requestID ei:registrationID ei:venID?",
    "oadr:oadrCanceledPartyRegistration": "ei:eiResponse ei:registrationID? ei:venID?",
    # OadrPoll, and the answer to everything
    "oadr:oadrPoll": "ei:venID",
    "oadr:oadrResponse": "ei:eiResponse ei:venID?",
    "ei:eiResponse": "ei:responseCode ei:responseDescription? pyld:requestID",
    # EiEvent
    "oadr:oadrRequestEvent": "pyld:eiRequestEvent",
    "pyld:eiRequestEvent": "pyld:requestID ei:venID pyld:replyLimit?",
    "oadr:oadrCreatedEvent": "pyld:eiCreatedEvent",
    "pyld:eiCreatedEvent": "ei:eiResponse ei:eventResponses? ei:venID",
    "ei:eventResponses": "ei:eventResponse*",
    "ei:eventResponse": "ei:responseCode ei:responseDescription? pyld:requestID ei:qualifiedEventID ei:optType",
    "ei:qualifiedEventID": "ei:eventID ei:modificationNumber",
    # EiOpt
    "oadr:oadrCreateOpt": "ei:optID ei:optType ei:optReason emix:marketContext? ei:venID xcal:vavailability?"
    " ei:createdDateTime pyld:requestID ei:qualifiedEventID? ei:eiTarget=target oadr:oadrDeviceClass=target?",
    "oadr:oadrCancelOpt": "pyld:requestID ei:optID ei:venID",
    "xcal:vavailability": "xcal:components",
    "xcal:components": "xcal:available*",
    "xcal:available": "xcal:properties",
    "xcal:properties": "xcal:dtstart xcal:duration xcal:tolerance? ei:x-eiNotification=lasting?"
    " ei:x-eiRampUp=lasting? ei:x-eiRecovery=lasting?",
    "xcal:dtstart": "xcal:date-time",
    "xcal:duration": "xcal:duration=span",
    "xcal:tolerance": "xcal:tolerate",
    "xcal:tolerate": "xcal:startafter?",
    "lasting": "xcal:duration=span",
    "target": "power:aggregatedPnode=node* power:endDeviceAsset=asset* power:meterAsset=asset* power:pnode=node*"
    " emix:serviceArea=area* power:serviceDeliveryPoint=node* power:serviceLocation=area* power:transportInterface*"
    " ei:groupID* ei:groupName* ei:resourceID* ei:venID* ei:partyID*",
    "asset": "power:mrid",
    "node": "power:node",
    "area": "gml:FeatureCollection=anything",
    "power:transportInterface": "power:pointOfReceipt power:pointOfDelivery",
    # EiReport
    "oadr:oadrRegisterReport": "pyld:requestID oadr:oadrReport* ei:venID? ei:reportRequestID?",
    "oadr:oadrRegisteredReport": "ei:eiResponse oadr:oadrReportRequest* ei:venID?",
    "oadr:oadrCreateReport": "pyld:requestID oadr:oadrReportRequest+ ei:venID?",
    "oadr:oadrCreatedReport": "ei:eiResponse oadr:oadrPendingReports ei:venID?",
    "oadr:oadrUpdateReport": "pyld:requestID oadr:oadrReport* ei:venID?",
    "oadr:oadrUpdatedReport": "ei:eiResponse oadr:oadrCancelReport? ei:venID?",
    "oadr:oadrCancelReport": "pyld:requestID ei:reportRequestID+ pyld:reportToFollow ei:venID?",
    "oadr:oadrCanceledReport": "ei:eiResponse oadr:oadrPendingReports ei:venID?",
    "oadr:oadrPendingReports": "ei:reportRequestID*",
    "oadr:oadrReportRequest": "ei:reportRequestID ei:reportSpecifier",
    "ei:reportSpecifier": "ei:reportSpecifierID xcal:granularity=lasting ei:reportBackDuration=lasting"
    " ei:reportInterval? ei:specifierPayload+",
    "ei:reportInterval": "xcal:properties",
    "ei:specifierPayload": "ei:rID item? ei:readingType",
    "oadr:oadrReport": "xcal:dtstart? xcal:duration? strm:intervals? ei:eiReportID? oadr:oadrReportDescription*"
    " ei:reportRequestID ei:reportSpecifierID ei:reportName? ei:createdDateTime",
    "oadr:oadrReportDescription": "ei:rID ei:reportSubject=target? ei:reportDataSource=target? ei:reportType item?"
    " ei:readingType emix:marketContext? oadr:oadrSamplingRate?",
    "oadr:oadrSamplingRate": "oadr:oadrMinPeriod oadr:oadrMaxPeriod oadr:oadrOnChange",
    "strm:intervals": "ei:interval+",
    "ei:interval": "xcal:dtstart? xcal:duration? xcal:uid? stream+",
    "stream": "oadr:oadrReportPayload | ei:signalPayload | oadr:oadrGBPayload=green",
    "xcal:uid": "xcal:text",
    "oadr:oadrReportPayload": "ei:rID ei:confidence? ei:accuracy? payload oadr:oadrDataQuality?",
    "ei:signalPayload": "payload",
    "payload": "ei:payloadFloat | oadr:oadrPayloadResourceStatus",
    "ei:payloadFloat": "ei:value",
    "oadr:oadrPayloadResourceStatus": "oadr:oadrOnline oadr:oadrManualOverride oadr:oadrLoadControlState?",
    "oadr:oadrLoadControlState": "oadr:oadrCapacity=control? oadr:oadrLevelOffset=control?"
    " oadr:oadrPercentOffset=control? oadr:oadrSetPoint=control?",
    "control": "oadr:oadrMin? oadr:oadrMax? oadr:oadrCurrent oadr:oadrNormal?",
    # units
    "item": _ITEM,
    "green": "atom:feed=anything",
    "oadr:oadrGBDataDescription": "atom:feed=anything",
    "oadr:customUnit": "oadr:itemDescription oadr:itemUnits scale:siScaleCode",
    "oadr:current": "oadr:itemDescription='Current' oadr:itemUnits='A' scale:siScaleCode",
    "oadr:frequency": "oadr:itemDescription='Frequency' oadr:itemUnits='Hz' scale:siScaleCode",
    "oadr:Therm": "oadr:itemDescription='Therm' oadr:itemUnits='thm' scale:siScaleCode",
    "oadr:temperature": "oadr:itemDescription='temperature' oadr:itemUnits='celsius,fahrenheit' scale:siScaleCode",
    "oadr:pulseCount": "oadr:itemDescription='pulse count' oadr:itemUnits='count' oadr:pulseFactor",
    "oadr:currency": _CURRENCY,
    "oadr:currencyPerKWh": _CURRENCY,
    "oadr:currencyPerKW": _CURRENCY,
    "oadr:currencyPerThm": _CURRENCY,
    "power:voltage": "power:itemDescription='Voltage' power:itemUnits='V' scale:siScaleCode",
    "power:energyApparent": "power:itemDescription='ApparentEnergy' power:itemUnits='VAh' scale:siScaleCode",
    "power:energyReactive": "power:itemDescription='ReactiveEnergy' power:itemUnits='VARh' scale:siScaleCode",
    "power:energyReal": "power:itemDescription='RealEnergy' power:itemUnits='Wh' scale:siScaleCode",
    "power:powerApparent": "power:itemDescription='ApparentPower' power:itemUnits='VA' scale:siScaleCode"
    " power:powerAttributes",
    "power:powerReactive": "power:itemDescription='ReactivePower' power:itemUnits='VAR' scale:siScaleCode"
    " power:powerAttributes",
    "power:powerReal": "power:itemDescription='RealPower' power:itemUnits='W,J/s' scale:siScaleCode"
    " power:powerAttributes",
    "power:powerAttributes": "power:hertz power:voltage=decimal power:ac",
}  # fmt: skip

_EXTENSION = r"~x-\S.*"
_TEXT = (
    "pyld:requestID ei:registrationID ei:venID ei:responseDescription ei:eventID ei:optID ei:groupID ei:groupName"
    " ei:resourceID ei:partyID ei:rID ei:reportRequestID ei:reportSpecifierID ei:eiReportID xcal:text power:mrid"
    " power:node power:pointOfReceipt power:pointOfDelivery oadr:oadrVenName oadr:oadrTransportAddress"
    " oadr:itemDescription oadr:itemUnits"
)
VALUES_OF_ELEMENT = {
    **dict.fromkeys(_TEXT.split(), ("string",)),
    "ei:responseCode": ("string", "~[0-9][0-9][0-9]"),
    "ei:modificationNumber": ("unsignedInt",),
    "pyld:replyLimit": ("unsignedInt",),
    "pyld:reportToFollow": ("boolean",),
    "oadr:oadrReportOnly": ("boolean",),
    "oadr:oadrXmlSignature": ("boolean",),
    "oadr:oadrHttpPullModel": ("boolean",),
    "oadr:oadrOnChange": ("boolean",),
    "oadr:oadrOnline": ("boolean",),
    "oadr:oadrManualOverride": ("boolean",),
    "power:ac": ("boolean",),
    "power:hertz": ("decimal",),
    "decimal": ("decimal",),
    "oadr:oadrMin": ("float",),
    "oadr:oadrMax": ("float",),
    "oadr:oadrCurrent": ("float",),
    "oadr:oadrNormal": ("float",),
    "oadr:pulseFactor": ("float",),
    "ei:value": ("float",),
    "ei:accuracy": ("float",),
    "ei:confidence": ("unsignedInt", "<=100"),
    "emix:marketContext": ("anyURI",),
    "xcal:date-time": ("dateTime", r"~(\-|\+)?\d{4}\-\d{2}\-\d{2}T\d{2}:\d{2}:\d{2}(\.\d*)?Z?"),
    "ei:createdDateTime": ("dateTime", r"~(\-|\+)?\d{4}\-\d{2}\-\d{2}T\d{2}:\d{2}:\d{2}(\.\d*)?Z?"),
    "span": ("string", r"~(\+|\-)?P((\d+Y)?(\d+M)?(\d+D)?T?(\d+H)?(\d+M)?(\d+S)?)|(\d+W)"),
    "xcal:startafter": ("string", r"~(\+|\-)?P((\d+Y)?(\d+M)?(\d+D)?T?(\d+H)?(\d+M)?(\d+S)?)|(\d+W)"),
    "oadr:oadrMinPeriod": ("string", r"~(\+|\-)?P((\d+Y)?(\d+M)?(\d+D)?T?(\d+H)?(\d+M)?(\d+S)?)|(\d+W)"),
    "oadr:oadrMaxPeriod": ("string", r"~(\+|\-)?P((\d+Y)?(\d+M)?(\d+D)?T?(\d+H)?(\d+M)?(\d+S)?)|(\d+W)"),
    "oadr:oadrProfileName": ("token", "2.0a", "2.0b"),
    "oadr:oadrTransportName": ("token", "simpleHttp", "xmpp"),
    "ei:optType": ("token", "optIn", "optOut"),
    "ei:optReason": (
        "token", "economic", "emergency", "mustRun", "notParticipating", "outageRunStatus", "overrideStatus",
        "participating", _EXTENSION,
    ),
    "ei:reportName": (
        "token", "METADATA_HISTORY_USAGE", "HISTORY_USAGE", "METADATA_HISTORY_GREENBUTTON", "HISTORY_GREENBUTTON",
        "METADATA_TELEMETRY_USAGE", "TELEMETRY_USAGE", "METADATA_TELEMETRY_STATUS", "TELEMETRY_STATUS", _EXTENSION,
    ),
    "ei:reportType": (
        "token", "reading", "usage", "demand", "setPoint", "deltaUsage", "deltaSetPoint", "deltaDemand", "baseline",
        "deviation", "avgUsage", "avgDemand", "operatingState", "upRegulationCapacityAvailable",
        "downRegulationCapacityAvailable", "regulationSetpoint", "storedEnergy", "targetEnergyStorage",
        "availableEnergyStorage", "price", "level", "powerFactor", "percentUsage", "percentDemand", _EXTENSION,
    ),
    "ei:readingType": (
        "token", "Direct Read", "Net", "Allocated", "Estimated", "Summed", "Derived", "Mean", "Peak", "Hybrid",
        "Contract", "Projected", _EXTENSION,
    ),
    "oadr:oadrDataQuality": (
        "token", "No Quality - No Value", "No New Value - Previous Value Used",
        *[f"Quality Bad - {why}" for why in (
            "Non Specific", "Configuration Error", "Not Connected", "Device Failure", "Sensor Failure",
            "Last Known Value", "Comm Failure", "Out of Service",
        )],
        *[f"Quality Uncertain - {why}" for why in (
            "Non Specific", "Last Usable Value", "Sensor Not Accurate", "EU Units Exceeded", "Sub Normal",
        )],
        "Quality Good - Non Specific", "Quality Good - Local Override",
        *[f"Quality Limit - Field/{why}" for why in ("Not", "Low", "High", "Constant")],
        _EXTENSION,
    ),
    "scale:siScaleCode": ("token", "p", "n", "micro", "m", "c", "d", "k", "M", "G", "T", "none"),
    "money": ("token", "currency", "currencyPerKW", "currencyPerKWh"),
    "currency": ("token", "~[A-Z][A-Z][A-Z]"),
}  # fmt: skip

VERSIONED = frozenset((*FROM_VEN, *FROM_VTN_ONLY))
_RNG = "http://relaxng.org/ns/structure/1.0"
_HEAD = f'<grammar xmlns="{_RNG}" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">'
_ANYTHING = (
    '<define name="anything"><zeroOrMore><choice><attribute><anyName/></attribute><text/>'
    '<element><anyName/><ref name="anything"/></element></choice></zeroOrMore></define>'
)
_TIMES = {"?": "optional", "*": "zeroOrMore", "+": "oneOrMore"}


@cache
def schema() -> etree.RelaxNG:
    """The compiled tables. Validating reads nothing and fetches nothing."""
    defines = [_define(name, content) for name, content in ELEMENTS.items()]
    defines += [f'<define name="{_id(name)}">{_value(kind)}</define>' for name, kind in VALUES_OF_ELEMENT.items()]
    start = f"<start>{_element('oadr:oadrPayload', 'oadr:oadrPayload')}</start>"
    return etree.RelaxNG(etree.fromstring(_HEAD + start + "".join(defines) + _ANYTHING + "</grammar>"))


def _define(name: str, content: str) -> str:
    choices = [" ".join(_particle(word) for word in _words(choice)) for choice in content.split(" | ")]
    body = choices[0] if len(choices) == 1 else "<choice>" + "".join(choices) + "</choice>"
    if name.removeprefix("oadr:") in VERSIONED:
        body = f"<optional>{_version()}</optional>" + body
    if name == "oadr:oadrSignedObject":
        identity = f'<attribute name="Id" ns="{NAMESPACES["oadr"]}"><data type="NCName"/></attribute>'
        body = f"<optional>{identity}</optional>{body}"
    return f'<define name="{_id(name)}">{body}</define>'


def _words(choice: str) -> list[str]:
    """Split at blanks outside quotes."""
    parts = choice.split("'")
    return [
        word.replace("\0", " ")
        for word in "'".join(p if i % 2 == 0 else p.replace(" ", "\0") for i, p in enumerate(parts)).split(" ")
    ]


def _particle(word: str) -> str:
    times = _TIMES.get(word[-1])
    name, _, kind = (word[:-1] if times else word).partition("=")
    if kind.startswith("'"):
        inner = _named(
            name, "<choice>" + "".join(f"<value>{v}</value>" for v in kind.strip("'").split(",")) + "</choice>"
        )
    else:
        inner = _element(name, kind or name)
    return f"<{times}>{inner}</{times}>" if times else inner


def _element(name: str, kind: str) -> str:
    """An element, or a group where the name has no prefix."""
    reference = f'<ref name="{_id(kind)}"/>'
    return _named(name, reference) if ":" in name else reference


def _named(name: str, content: str) -> str:
    prefix, _, local = name.partition(":")
    return f'<element name="{local}" ns="{NAMESPACES[prefix]}">{content}</element>'


def _value(kind: tuple[str, ...]) -> str:
    """A text type: its name, then patterns (``~``), a bound (``<=``), or the words that are allowed."""
    base, *rules = kind
    words = [f'<value type="{base}">{rule}</value>' for rule in rules if rule[0] not in "~<"]
    patterns = [f'<param name="pattern">{rule[1:]}</param>' for rule in rules if rule[0] == "~"]
    bounds = [f'<param name="maxInclusive">{rule[2:]}</param>' for rule in rules if rule[0] == "<"]
    data = f'<data type="{base}">{"".join(patterns + bounds)}</data>'
    if not words:
        return data
    return "<choice>" + "".join(words) + (data if patterns else "") + "</choice>"


def _version() -> str:
    allowed = _value(("token", "2.0a", "2.0b", _EXTENSION))
    return f'<attribute name="schemaVersion" ns="{NAMESPACES["ei"]}">{allowed}</attribute>'


def _id(name: str) -> str:
    return name.replace(":", ".")


ROOT = clark("oadr:oadrPayload")
SIGNED = clark("oadr:oadrSignedObject")
