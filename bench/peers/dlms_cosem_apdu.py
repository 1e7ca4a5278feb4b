"""dlms-cosem reads plain data-notifications:  dlms_cosem_apdu.py SECONDS HEX ... A line in, calls a CPU-second out."""

import itertools
import sys
import time

from dlms_cosem.dlms_data import DlmsDataParser
from dlms_cosem.protocol.xdlms import DataNotification


def main() -> None:
    seconds, apdus = float(sys.argv[1]), [bytes.fromhex(word) for word in sys.argv[2:]]
    if not all(DlmsDataParser().parse(DataNotification.from_bytes(apdu).body) for apdu in apdus):
        raise RuntimeError("the peer reads nothing")
    turn = itertools.cycle(apdus)
    for _ in sys.stdin:
        calls, began = 0, time.process_time()
        while (used := time.process_time() - began) < seconds:
            DlmsDataParser().parse(DataNotification.from_bytes(next(turn)).body)
            calls += 1
        print(calls / used, flush=True)


if __name__ == "__main__":
    main()
