"""openleadr's VTN over mTLS:  openleadr_vtn.py CHAIN CA VENS.json  (CHAIN: PEM, its key beside it). Prints its port."""

import asyncio
import contextlib
import io
import json
import logging
import socket
import sys
from pathlib import Path

from openleadr import OpenADRServer


async def main(chain: Path, ca: Path, vens: dict[str, str]) -> None:
    known = {
        name: {"ven_id": name, "ven_name": name, "registration_id": "r", "fingerprint": mark}
        for name, mark in vens.items()
    }
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server = OpenADRServer(
        vtn_id="peer",
        http_port=port,
        http_cert=str(chain),
        http_key=str(chain.with_suffix(".key")),
        http_ca_file=str(ca),
        ven_lookup=lambda ven_id: known.get(ven_id),  # noqa: PLW0108 - it is called by keyword
        show_fingerprint=False,
        verify_message_signatures=False,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        await server.run()
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())))
