"""How soon the console can be read, and how soon it answers a key. Run: python tests/bench/bench_first_paint.py [HOME]

With a HOME (the demonstration's, say) only its first paint is measured, from start to the word BUDGETS or SUSPECTS.

Prints one JSON document: milliseconds from the start of the process to the incident line on a real pseudo-terminal,
from a bare interpreter's start to that of headless commands, and from a key to its drawn frame over 100,000 rows.
It reports and asserts nothing: wall time belongs to the machine it runs on.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

REPO = Path(__file__).parents[2]
sys.path.insert(0, str(REPO))

from core.clock import DAY, MINUTE  # noqa: E402
from core.desk import Desk  # noqa: E402
from core.home import Home  # noqa: E402

MAIN = "import sys; from console.cli.main import main; main(sys.argv[1:])"
ROWS = 100_000


def seeded(folder: Path) -> Desk:
    """A home with an open incident and a hundred thousand runs."""
    desk = Desk.open(Home(folder), actor="bench")
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute("INSERT INTO model VALUES ('fraud', 'binary', 'label', 0, ?)", (now,))
        tx.execute(
            """INSERT INTO incident(key, title, severity, state, model, endpoint, family, impact_us, impact_origin,
            detected_us) VALUES ('k', 'fraud on edge: burns its budget', 1, 'triage', 'fraud', 'edge', 'quality', ?,
            'first bad hour', ?)""",
            (now - DAY, now - MINUTE),
        )
        tx.executemany(
            """INSERT INTO run(id, due_us, request, kind, args, state, next_us) VALUES (?, ?, ?, 'train',
            '{"model":"fraud"}', 'succeeded', ?)""",
            ((number, now, f"r{number}", now) for number in range(1, ROWS + 1)),
        )
    return desk


def until_readable(home: Path, text: bytes = b"INC-1") -> float:
    """Milliseconds from the start of the process until a text is on its pseudo-terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "--home", str(home)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=REPO,
        env=environment,
        start_new_session=True,
    )
    seen = b""
    while text not in seen and time.perf_counter() - began < 20:
        if select.select([master], [], [], 0.01)[0]:
            seen += os.read(master, 65_536)
    took = 1000 * (time.perf_counter() - began)
    process.kill()
    process.wait()
    os.close(master)
    os.close(slave)
    return took


def command_ms(*arguments: str) -> float:
    """Milliseconds of one command from start to end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=REPO, capture_output=True, check=False)
    return 1000 * (time.perf_counter() - began)


async def keys(desk: Desk) -> dict[str, float]:
    """Opening the view of all runs, and keys in it until their frame is drawn."""
    from textual.events import Key

    from console.app import TocsinApp

    app = TocsinApp(desk)
    drawn = asyncio.Event()
    async with app.run_test(size=(120, 40)) as pilot:
        real = app._display

        def display(*given: object) -> None:
            real(*given)  # type: ignore[arg-type]
            drawn.set()

        app._display = display  # type: ignore[method-assign]

        async def press(key: str) -> float:
            drawn.clear()
            began = time.perf_counter()
            app.post_message(Key(key, key if len(key) == 1 else None))
            await asyncio.wait_for(drawn.wait(), 5)
            await asyncio.sleep(0)
            return 1000 * (time.perf_counter() - began)

        opened = await press("4")
        await pilot.pause()
        took = [await press(key) for key in ["j", "G", "k", "pageup", "g", "pagedown"] * 30]
    return {"open_100000_rows_ms": opened, **spread("key", took)}


def spread(name: str, values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and the largest."""
    ordered = sorted(values)
    return {
        f"{name}_p50_ms": round(ordered[len(ordered) // 2], 1),
        f"{name}_p95_ms": round(ordered[int(len(ordered) * 0.95)], 1),
        f"{name}_max_ms": round(ordered[-1], 1),
    }


def main() -> None:
    if len(sys.argv) > 1:
        home = Path(sys.argv[1]).absolute()
        shown = [sys.executable, "-c", MAIN, "--home", str(home), "now"]
        frame = subprocess.run(shown, capture_output=True, check=True)
        text = next(word for word in (b"SUSPECTS", b"BUDGETS") if word in frame.stdout)
        until_readable(home, text)
        print(json.dumps(spread("readable", [until_readable(home, text) for _ in range(20)])))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        desk = seeded(home)
        until_readable(home)
        bare = min(command_ms("-c", "pass") for _ in range(5))
        told: dict[str, float] = spread("readable", [until_readable(home) for _ in range(20)])
        told["bare_interpreter_ms"] = round(bare, 1)
        helped = sorted(command_ms("-c", MAIN, "--help") for _ in range(9))[4]
        as_json = sorted(command_ms("-c", MAIN, "--home", str(home), "now", "--json") for _ in range(9))[4]
        told["help_over_bare_ms"] = round(helped - bare, 1)
        told["now_json_over_bare_ms"] = round(as_json - bare, 1)
        told |= {name: round(value, 1) for name, value in asyncio.run(keys(desk)).items()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
