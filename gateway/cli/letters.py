"""The page that is posted to a household: who writes, how it logs in, how its box joins; English and German."""

from collections.abc import Mapping
from typing import Any

from gateway.serve.outside import public_url
from gateway.settings import Settings
from policies.roles import Listener

_HEAD = """{sender}


{name}
{address}


You can look at the readings of your meter. Others get them only if you allow it,
or if a law or a contract of yours says so.
Sie können die Messwerte Ihres Zählers ansehen. Andere erhalten sie nur, wenn Sie es
erlauben oder ein Gesetz oder ein Vertrag von Ihnen es vorsieht.

{points}
"""
_LOGIN = """
Log in at / Anmelden unter
    {url}
with the code / mit dem Code
    {login_code}
"""
_BOX = """
For the box beside your meter / Für das Gerät neben Ihrem Zähler
    metergate-edge enrol {url} --state FOLDER
with the code / mit dem Code
    {box_enrol}
"""
_FOOT = """
{once}

{signed}
\f"""
_ONE = "The code works once. Nobody will ever ask you for it.\nDer Code gilt einmal. Niemand wird Sie je danach fragen."
_EACH = (
    "Each code works once. Nobody will ever ask you for it.\nJeder Code gilt einmal. Niemand wird Sie je danach fragen."
)


def letter(made: Mapping[str, Any], address: str, settings: Settings) -> str:
    """Plain text, ended by a form feed; "" where there is no code to tell."""
    parts = [text for code, text in (("login_code", _LOGIN), ("box_enrol", _BOX)) if code in made]
    if not parts:
        return ""
    who = settings.controller
    words = {
        **made,
        "address": address,
        "points": "\n".join(f"Metering point / Zählpunkt   {point}" for point in made["points"]),
        "url": public_url(settings, Listener.PEOPLE),
        "sender": "\n".join(line for line in (who.name, who.contact) if line),
        "signed": who.name,
        "once": _ONE if len(parts) == 1 else _EACH,
    }
    return "".join(part.format_map(words) for part in (_HEAD, *parts, _FOOT))
