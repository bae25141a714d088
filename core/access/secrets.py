"""Secrets by reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`, read when used, never kept in the store."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from core.errors import BadInput, NotAllowed, NotFound
from core.home import home_error

FORMS = "write it as env:NAME, file:PATH or keyring:SERVICE/NAME"


def resolve(ref: str) -> str:
    """The secret behind a reference: the first word of its first line.

    Raises BadInput (no such form, or empty), NotFound (nothing there), NotAllowed (a file that others can read).
    """
    words = read(ref).split()
    if not words:
        raise BadInput(f"the secret {ref} is empty", "put a token into it")
    return words[0]


def read(ref: str) -> str:
    """The whole text behind a reference; raises as `resolve` does."""
    kind, _, place = ref.partition(":")
    if kind == "env" and place:
        return _from_environment(place)
    if kind == "file" and place:
        return _from_file(Path(place).expanduser())
    if kind == "keyring" and (words := _in_keyring(place)):
        return _from_keyring(*words)
    raise _no_reference()


def _no_reference() -> BadInput:
    # What was given may be the secret itself: it is not repeated.
    return BadInput("that is no reference to a secret", FORMS)


def _in_keyring(place: str) -> tuple[str, str] | None:
    service, _, name = place.rpartition("/")
    return (service, name) if service and name else None


def _from_keyring(service: str, name: str) -> str:
    elsewhere = "keep it in a file with mode 600 and refer to it as file:PATH, or use env:NAME"
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise NotFound(
            "the package keyring is not installed", f"pip install 'tocsin[keyring]', or {elsewhere}"
        ) from None
    try:
        value = keyring.get_password(service, name)
    except KeyringError as error:
        # Without a desktop session, as on a server, there is no back end.
        raise NotFound(f"this machine has no keyring that can be read: {error}", elsewhere) from error
    if value is None:
        raise NotFound(f"the keyring has no {name} for {service}", f"`keyring set {service} {name}` puts it there")
    return str(value)


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise NotFound(f"the environment has no {name}", f"set {name}, or refer to another secret")
    return value


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotAllowed(f"the secret file {path} can be read by others", f"chmod 600 {path}")
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no secret file {path}", "make it, or refer to another secret") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the secret file {path} cannot be read: {error}", FORMS) from error


def checked(ref: str) -> str:
    """A reference in its lasting form: a file's path made absolute. Raises BadInput where it has no such form."""
    kind, _, place = ref.partition(":")
    if kind not in ("env", "file", "keyring") or not place or (kind == "keyring" and not _in_keyring(place)):
        raise _no_reference()
    return f"file:{Path(place).expanduser().absolute()}" if kind == "file" else ref


def make_token_file(path: Path) -> str:
    """A reference to a token file that its owner alone can read, made where there is none yet."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return f"file:{path.absolute()}"
    except OSError as error:
        raise home_error(path.parent, error) from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return f"file:{path.absolute()}"
