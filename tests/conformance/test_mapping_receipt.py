"""What ``docs/mapping.md`` says of a receipt, field by field, and of purposes: against a receipt and the purposes."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.terms import DPV, Purpose
from tests.conformance.test_mapping import rows
from tests.gateway.people_house import people


def names(claims: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Each claim, with the one that it lies in."""
    for name, value in claims.items():
        if isinstance(value, Mapping):
            yield from names(value, f"{before}{name}.")
        else:
            yield before + name


async def test_each_claim_of_a_receipt_has_its_row_and_each_row_its_claim(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.log_in(made["login_code"])
        await house.answer(await house.ask(made["household"]))
        (ground,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
        async with house.browser.get(f"/consents/{ground['ground']}/receipt") as answer:
            claims = house.gateway.signer.verify(await answer.text(), typ="receipt+jwt")
    assert claims is not None
    mine = [row for row in rows() if row.source == "ISO/IEC TS 27560"]
    assert {row.clause for row in mine if row.tests} == {row.clause for row in mine if "`" in row.where}
    told = [name for row in mine for name in re.findall(r"`([^`]+)`", row.where)]
    assert sorted(told) == sorted({*names(claims), "ledger_checkpoint"})


def test_each_purpose_has_the_term_of_dpv_that_the_page_names() -> None:
    mine = [row for row in rows() if row.source == "W3C DPV" and row.where.startswith("purpose")]
    said = {code: row.clause for row in mine for code in re.findall(r"`([\w-]+)`", row.where)}
    assert said == {purpose.value: purpose.dpv.replace(DPV, "dpv:") for purpose in Purpose}
