"""The service files that keep a daemon running: a systemd unit, and a launchd property list."""

from __future__ import annotations

import plistlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

LABEL = "tocsin.daemon"
# How much longer than its jobs' grace the daemon itself may take to stop, in seconds.
LONGER = 15

SYSTEMD = """\
# {file}: systemctl --user enable --now tocsin
[Unit]
Description=Tocsin daemon
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
Restart=always
RestartSec=5
# 2: an option or a setting does not fit, which starting again does not mend.
RestartPreventExitStatus=2
# Only the daemon is told to stop: it gives its jobs their grace.
KillMode=mixed
TimeoutStopSec={stop}
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def systemd(home: Path, options: Sequence[str], grace: int) -> str:
    """A user unit that starts this Python's `tocsin daemon` on a home; `grace` is in seconds."""
    command = " ".join(_systemd_word(word) for word in _command(home, options))
    return SYSTEMD.format(file="~/.config/systemd/user/tocsin.service", command=command, stop=grace + LONGER)


def launchd(home: Path, options: Sequence[str], grace: int) -> str:
    """A launchd agent (~/Library/LaunchAgents/tocsin.daemon.plist) that does the same."""
    agent = {
        "Label": LABEL,
        "ProgramArguments": _command(home, options),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 5,
        "ExitTimeOut": grace + LONGER,
        "StandardErrorPath": str(home / "logs" / "daemon.log"),
    }
    return plistlib.dumps(agent, sort_keys=False).decode()


UNITS: dict[str, Callable[[Path, Sequence[str], int], str]] = {"launchd": launchd, "systemd": systemd}


def _command(home: Path, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "console.cli.main", "--home", str(home), "daemon", *options]


def _systemd_word(word: str) -> str:
    """A word of ExecStart: systemd reads backslashes, quotes, % and $ in it."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if any(character in plain for character in " \t'\"\\;") else plain
