from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec
import pytest

from console.cli.help import drawn
from console.cli.main import cli
from core import manual
from core.gates import declared as gates
from core.settings import Settings
from core.work.kinds import KINDS
from core.work.pipeline import read

Run = Callable[..., tuple[int, str, str]]
README = Path(__file__).parents[2] / "README.md"


def _fields(struct: type[msgspec.Struct], before: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        inner = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
        yield from _fields(field.type, f"{field.name}.") if inner else [before + field.name]


def test_every_field_of_the_settings_is_on_its_page_and_no_other() -> None:
    told: set[str] = set()
    for cell in re.findall(r"^\| (`.*?) \|", manual.page("settings"), re.MULTILINE):
        names = re.findall(r"`(.*?)`", cell)
        head = names[0].rpartition(".")[0]
        told |= {head + name if name.startswith(".") else name for name in names}
    assert told == set(_fields(Settings))


def _commands(text: str) -> set[tuple[str, ...]]:
    shown = re.findall(r"^(tocsin [^#\n]*)", text, re.MULTILINE) + re.findall(r"`(tocsin [^`\n]*)`", text)
    return {tuple(one.split()[1:]) for line in shown for one in line.split(";") if one.split()[:1] == ["tocsin"]}


@pytest.mark.parametrize("page", [*manual.pages(), "README"])
def test_every_command_that_a_page_names_exists(page: str) -> None:
    text = README.read_text("utf-8") if page == "README" else manual.page(page)
    context = click.Context(cli)
    for words in sorted(_commands(text)):
        named = [word for word in words if word.isidentifier() or "-" in word.strip("-")]
        if not named or named[0].startswith("-") or named[0] in ("COMMAND",):
            continue
        noun = cli.get_command(context, named[0])
        assert noun is not None, words
        # Their first word is a model, unless it is one of their verbs.
        if named[0] in ("score", "search"):
            continue
        if isinstance(noun, click.Group) and len(named) > 1 and named[1].islower() and not named[1].startswith("-"):
            verbs = named[1].split("|")
            assert all(noun.get_command(context, verb) is not None for verb in verbs), words


def test_the_readme_links_every_page() -> None:
    text = README.read_text("utf-8")
    assert [name for name in manual.pages() if f"core/manual/{name}.md" not in text] == []


def test_the_pipeline_that_the_manual_shows_can_be_queued(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", manual.page("jobs"), re.DOTALL)
    assert shown is not None
    (tmp_path / "churn.toml").write_text(shown.group(1))
    assert [step.name for step in read(tmp_path / "churn.toml", KINDS).step] == ["ingest", "train"]


def test_the_gate_that_the_manual_shows_can_be_declared(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", manual.page("registry"), re.DOTALL)
    assert shown is not None
    (tmp_path / "gates.toml").write_text(shown.group(1))
    assert [rule.name for rule in gates.read(tmp_path / "gates.toml").rule] == [
        "auc-floor",
        "no-worse",
        "one-more-pair-of-eyes",
    ]


def test_every_kind_of_rule_is_on_its_page() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", manual.page("registry"), re.MULTILINE))
    assert told == {str(rule.__struct_config__.tag) for rule in gates.AnyRule.__args__}


def test_the_pages_are_listed_and_read(tocsin: Run) -> None:
    code, out, _ = tocsin("help")
    assert code == 0
    assert all(name in out for name in manual.pages())
    assert tocsin("help", "daemon") == (0, manual.page("daemon"), "")


def test_an_unknown_page_names_the_nearest(tocsin: Run) -> None:
    code, _, err = tocsin("help", "deamon")
    assert (code, err.splitlines()) == (
        3,
        ["error: the manual has no page 'deamon'", "hint: did you mean `tocsin help daemon`?"],
    )


def test_a_drawn_page_keeps_to_the_width() -> None:
    for line in drawn(manual.page("settings"), 80).splitlines():
        assert len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 80
