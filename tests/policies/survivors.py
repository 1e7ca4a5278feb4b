"""Which mutants of ``policies`` live after ``mutmut run`` and are not named in MUTANTS.md, or named there and dead.

``python -m tests.policies.survivors``, from the root of the repository: exit 1 when there is one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).with_name("MUTANTS.md")
_RESULT = re.compile(r"^\s+(\S+): (survived|no tests|suspicious|not checked|segfault)$", re.MULTILINE)
_BLOCK = re.compile(r"```diff\n(.*?)```", re.DOTALL)

Named = tuple[str, tuple[str, ...]]
"""Function, and the lines that the mutant takes (-) and gives (+), without their indentation."""


def mutmut(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def place(mutant: str) -> str:
    """``policies.amounts.xǁ_Worthǁof__mutmut_3`` -> ``policies.amounts._Worth.of``"""
    module, _, name = mutant.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{name.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def changes(diff: str) -> tuple[str, ...]:
    lines = (line for line in diff.splitlines() if line[:1] in ("-", "+") and line[:3] not in ("---", "+++"))
    return tuple(line[0] + line[1:].strip() for line in lines)


def named(page: str) -> Iterator[Named]:
    """In a block each begins with its function, after a number sign."""
    for block in _BLOCK.findall(page):
        for entry in block.split("# ")[1:]:
            function, _, diff = entry.partition("\n")
            yield function.strip(), changes(diff)


def main() -> int:
    results = _RESULT.findall(mutmut("results"))
    living = {(place(name), changes(mutmut("show", name))): name for name, word in results if word != "not checked"}
    known = list(named(PAGE.read_text()))
    for mutant in living.keys() - set(known):
        print(f"lives and is not named: {living[mutant]}", *mutant[1], sep="\n    ")
    dead = [] if any(word == "not checked" for _, word in results) else [one for one in known if one not in living]
    for function, lines in dead:
        print(f"named and dead, or not made any more: {function}", *lines, sep="\n    ")
    twice = sorted({function for function, lines in known if known.count((function, lines)) > 1})
    print(f"{len(living)} live, {len(known)} are named", *(f"named twice: {function}" for function in twice), sep="\n")
    return int(bool(living.keys() - set(known) or dead or twice))


if __name__ == "__main__":
    sys.exit(main())
