"""What ``framing.Framer`` promises, as checks that every protocol's tests can run on bytes of their own."""

from meter_driver.framing import MORE, Framer, Keyring, Keys, Taken


def no_keys(_: str) -> Keys:
    """A key ring that opens nothing."""
    return Keys()


def an_answer_stays(framer: type[Framer], data: bytes, keys: Keyring = no_keys) -> None:
    """Law 1: what is answered to a prefix is MORE, or what is answered to all of it."""
    buffer = bytearray(data)
    end = min(len(buffer), framer.longest)
    whole = framer(keys).take(buffer, 0, end, final=end == framer.longest)
    for size in range(1, end):
        answer = framer(keys).take(buffer[:size], 0, size, final=False)
        assert answer is MORE or answer == whole or _alike(answer, whole), f"after {size} bytes"


def _alike(answer: object, whole: object) -> bool:
    # errors do not compare: the same kind and the same words are the same
    return type(answer) is type(whole) and repr(answer) == repr(whole)


def a_final_answer_is_one(framer: type[Framer], data: bytes, keys: Keyring = no_keys) -> None:
    """Law 2: with the last byte seen there is no MORE, and nothing longer than ``longest`` is taken."""
    for size in range(1, min(len(data), framer.longest) + 1):
        answer = framer(keys).take(bytearray(data[:size]), 0, size, final=True)
        assert answer is not MORE
        assert not isinstance(answer, Taken) or 0 < answer.size <= size
