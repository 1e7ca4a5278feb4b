"""Coverage-guided fuzzing of the meter driver:  python bench/fuzz/meters.py [libFuzzer options] [FOLDER of seeds ...]

Needs atheris, which is no dependency of ours: install it into an environment of its own beside this package. Checked
for every input: nothing is raised, two pieces give the events of one, and the buffer is empty when the recording ends.
What it finds becomes a test under tests/meter_driver/.
"""

import sys

import atheris

with atheris.instrument_imports(include=["meter_driver"]):
    from meter_driver.detect import Detector, detect

KEY = bytes(range(16))


def _events(decoder: Detector, *pieces: bytes) -> list[object]:
    seen: list[object] = []
    for piece in (*filter(None, pieces), b""):
        decoder.receive_data(piece)
        seen += decoder.events()
    return seen


def one_input(data: bytes) -> None:
    """The first byte says where to cut and whether there is an authentication key."""
    if not data:
        return
    auth_key, body = (KEY if data[0] & 1 else None), data[1:]
    at = data[0] * len(body) // 256
    whole = _events(detect(KEY, auth_key), body)
    assert _events(detect(KEY, auth_key), body[:at], body[at:]) == whole


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
