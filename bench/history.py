"""A million values of a file into a running gateway by ``metergate import``: the limit is a minute of wall time.

``python -m bench.history [VALUES] [HOUSEHOLDS] [csv|parquet]`` prints wall time, CPU time of both sides and the longest
the gateway did not answer a question beside it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.measure import cpu
from metergate.testing.product import Product

LIMIT = 60.0
PER_DAY = 96
PAUSE = 0.25
"""Seconds between two questions beside the import."""
MAP = """
columns: {point: MeLo, time: Zeit, quantity: OBIS, value: Wert, status: Status}
fixed: {unit: kWh, meter: main}
stamps: begin
interval: 15min
statuses: {W: measured, E: estimated}
csv: {delimiter: ";", decimal: ","}
"""


def main(values: int = 1_000_000, households: int = 30, form: str = "csv") -> None:
    """Write the file, start a gateway, import, report."""
    days = -(-values // (households * PER_DAY))
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    with tempfile.TemporaryDirectory(prefix="metergate-bench-") as folder:
        file, plan = Path(folder) / f"history.{form}", Path(folder) / "map.yaml"
        plan.write_text(MAP)
        count = WRITERS[form](file, begin, days, households)
        product = Product(Path(folder) / "gateway", more={"log": {"level": "warning"}})
        product.start()
        try:
            homes = [{"points": [f"P{n}"], "start": begin.isoformat()} for n in range(households)]
            product.operator("POST", "/api/households/import", {"households": homes})
            report(product, count, file, plan)
        finally:
            product.kill()


def write_csv(file: Path, begin: datetime, days: int, households: int) -> int:
    """As meter operators write it: by time, all points for each."""
    with file.open("w") as out:
        out.write("MeLo;Zeit;OBIS;Wert;Status\n")
        for quarter in range(days * PER_DAY):
            at = (begin + timedelta(minutes=15 * quarter)).isoformat()
            for home in range(households):
                out.write(f"P{home};{at};1-0:1.29.0;0,{(quarter * 7 + home * 13) % 1000:03d};W\n")
    return days * PER_DAY * households


def write_parquet(file: Path, begin: datetime, days: int, households: int) -> int:
    """The same values."""
    import pyarrow as pa
    from pyarrow import parquet

    quarters = range(days * PER_DAY)
    count = days * PER_DAY * households
    stamps = [begin + timedelta(minutes=15 * quarter) for quarter in quarters for _ in range(households)]
    values = [Decimal((quarter * 7 + home * 13) % 1000) / 1000 for quarter in quarters for home in range(households)]
    columns = {
        "MeLo": [f"P{home}" for _ in quarters for home in range(households)],
        "Zeit": pa.array(stamps, pa.timestamp("ms", "UTC")),
        "OBIS": ["1-0:1.29.0"] * count,
        "Wert": pa.array(values, pa.decimal128(12, 3)),
        "Status": ["W"] * count,
    }
    parquet.write_table(pa.table(columns), file)
    return count


WRITERS = {"csv": write_csv, "parquet": write_parquet}


def report(product: Product, count: int, file: Path, plan: Path) -> None:
    """Import once, while somebody asks for the list of boxes again and again."""
    command = [sys.executable, "-m", "gateway.cli", "import", str(file), "--map", str(plan)]
    command += ["--settings", str(product.folder / "metergate.toml")]
    pid = product.pids()[0]
    over = threading.Event()
    waits: list[float] = []

    def ask() -> None:
        while not over.wait(PAUSE):
            begin = time.perf_counter()
            product.operator("GET", "/api/boxes")
            waits.append(time.perf_counter() - begin)

    asker = threading.Thread(target=ask)
    asker.start()
    before, mine, begin = cpu(pid), _of_children(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begin
    over.set()
    asker.join()
    sums = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"stderr": done.stderr[-500:]}
    waits.sort()
    print(json.dumps({
        "file": file.name, "values": count, "wall_s": round(wall, 1), "limit_s": LIMIT,
        "gateway_cpu_s": round(cpu(pid) - before, 1), "import_cpu_s": round(_of_children() - mine, 1),
        "question_beside_ms": {"median": round(1000 * waits[len(waits) // 2], 1), "worst": round(1000 * waits[-1], 1)},
        "sums": sums,
    }))  # fmt: skip


def _of_children() -> float:
    """CPU seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    values, households, form = [*sys.argv[1:], "1000000", "30", "csv"][:3]
    main(int(values), int(households), form)
