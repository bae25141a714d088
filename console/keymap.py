"""A person's own keys: `keys.toml` in the home names actions by id, each with the keys it shall have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import BadInput
from core.home import Home


def read(home: Home, known: set[str]) -> Mapping[str, str]:
    """The keys of each remapped action, as `{"ack": "a,f2"}`; empty without a file.

    Raises BadInput for a file that is no TOML, for an action that does not exist, and for keys that are no text.
    """
    path = home.path / "keys.toml"
    if not path.exists():
        return {}
    import tomllib

    try:
        found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", 'write lines such as "ack" = "a,f2"') from error
    for action, keys in found.items():
        if action not in known:
            raise BadInput(f"{path}: there is no action {action!r}", f"there are {', '.join(sorted(known))}")
        if not isinstance(keys, str) or not keys.strip():
            raise BadInput(f"{path}: the keys of {action!r} are no text", f'write "{action}" = "f2"')
    return found
