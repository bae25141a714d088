"""The entry point: finds the noun, loads its module, and turns every error into two lines and an exit code."""

from __future__ import annotations

import importlib
import os
import sys

import click

from core import __version__
from core.errors import Interrupted, TocsinError

NOUNS = {
    "access": "who may do what: list, show, grant, revoke, key, require-key",
    "alert": "alerts: list, show",
    "audit": "the ledger: show, verify, export, anchor",
    "backup": "the home in one file, with a hash of every part",
    "checklist": "pre-production and production readiness, every item proved or waived",
    "daemon": "run schedules, sync, SLOs and alerts until stopped",
    "dataset": "snapshots, contracts: add, list, show, profile, contract, validate, diff, overlap, watch, quarantine",
    "demo": "play the flights year: a real model, real traffic, a bad deploy, a rollback",
    "deploy": "start, status, rollback, history",
    "doctor": "say what is wrong with this home and how to mend it",
    "drift": "show, history, compare two files",
    "endpoint": "where models are served: add, list, show, health, sync, pause",
    "evaluate": "how good a version is on rows it has not seen",
    "explain": "why one score is what it is, input by input",
    "feature": "declared feature views: add, list, show, materialise, parity",
    "find": "words in incidents, notes and the logs of jobs",
    "help": "the manual, a page a topic",
    "inc": "incidents: list, show, ack, note, suspects, move, postmortem",
    "job": "list, show, run, pipeline, retry, cancel, logs",
    "label": "import the labels that came late",
    "model": "the registry: list, show, compare, promote, gate, waive, approve, alias, card, export, import, retire",
    "now": "the first screen: what is broken, since when, what changed, what to do",
    "outbox": "what waits for an endpoint: list, show, confirm, retry, drop",
    "quality": "measured quality by version, with label coverage",
    "restore": "a home from a backup, checked before anything is replaced",
    "runbook": "list, show, check, trust, walk",
    "schedule": "list, add, pause, resume-all, next",
    "score": "score a snapshot in a batch, or by two versions: MODEL DATASET, list, show, compare",
    "search": "search for a model's parameters, within limits; list, show, resume",
    "secret": "the keys of sensitive values: rotate",
    "serve": "the embedded endpoint, a process of its own",
    "slo": "objectives and burn: list, show, add, backtest",
    "store": "the store's file: encrypt, decrypt",
    "tracking": "servers that are told of versions, as MLflow: add, list, sync, remove",
    "train": "train a model version from a snapshot",
}


# What sysexits.h calls EX_SOFTWARE: a fault of the program, which no check and no input stands for.
ITSELF = 70


class Nouns(click.Group):
    """The command tree; a noun's module is imported when the noun is called, never for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        command: click.Command = importlib.import_module(f"console.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], NOUNS, n=1)
            hint = f"did you mean `tocsin {close[0]}`?" if close else "`tocsin --help` lists them"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(NOUNS.items()))


@click.group(
    cls=Nouns,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 the check said no; 2 usage; 3 not found; 4 endpoint unreachable or refused; "
    "5 not allowed; 6 store unusable; 70 a fault of tocsin itself; 130 interrupted.",
)
@click.option("--home", metavar="DIR", help="The home to use; else TOCSIN_HOME, else the platform's data folder.")
@click.version_option(__version__, prog_name="tocsin")
@click.pass_context
def cli(ctx: click.Context, home: str | None) -> None:
    """Tocsin: the on-call console for machine-learning models. Without a command it opens the console."""
    ctx.obj = {"home": home}
    if ctx.invoked_subcommand is None:
        from console.start import start

        start(home)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit; never shows a traceback unless TOCSIN_DEBUG=1."""
    sys.exit(run(argv))


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return int(cli.main(args=argv, prog_name="tocsin", standalone_mode=False) or 0)
    except TocsinError as error:
        if os.environ.get("TOCSIN_DEBUG") == "1":
            raise
        return _say(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "tocsin"
        click.echo(f"error: {error.format_message()}\nhint: `{place} --help` shows how it is called", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return _say(Interrupted("interrupted", "nothing was half done: run it again to go on"))
    except BrokenPipeError:
        # The reader of a pipe has seen enough (`| head`): that is no error, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("TOCSIN_DEBUG") == "1":
            raise
        click.echo(f"error: tocsin itself failed: {type(error).__name__}: {error}", err=True)
        click.echo("hint: run it again with TOCSIN_DEBUG=1, and report what it shows", err=True)
        return ITSELF


def _say(error: TocsinError) -> int:
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return error.exit_code


if __name__ == "__main__":
    main()
