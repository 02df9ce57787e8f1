"""The command line: a thin layer over :mod:`ganzoo.api`, and the only package that prints.

Each command lives in its own module, imported when it is called, so that ``ganzoo list`` pays for nothing else.
"""

import importlib
import io
import os
import signal
import sys
import threading
import warnings
from typing import Any, NoReturn

import click

from ganzoo import __version__
from ganzoo.cli.options import speak
from ganzoo.errors import GanzooError, Interrupted, nearest
from ganzoo.runtime.processes import launched, meet
from ganzoo.runtime.signals import ending

COMMANDS = {
    "list": ("listing", "What is registered: variants, datasets, losses, metrics, plugins."),
    "info": ("info", "The card of a variant, data set, loss or metric."),
    "train": ("train", "Train a variant."),
    "classify": ("reading.classify", "Tell which class images belong to, by a trained classifier."),
    "encode": ("reading.encode", "Write the latents of images, by a trained encoder."),
    "edit": ("reading.edit", "Change attributes of images, such as glasses."),
    "score": ("reading.score", "Tell how odd images are beside what was trained on, and where."),
    "sample": ("drawing.sample", "Draw samples from a run or a weights file."),
    "classroom": ("drawing.classroom", "A film of a GAN that learns points: data, samples, D."),
    "evaluate": ("evaluate", "Measure a run, a weights file or a folder of images."),
    "report": ("pages.report", "Show runs on one HTML page: samples, curves, settings."),
    "compare": ("pages.compare", "Say in what runs differ: settings, scores, times."),
    "export": ("export", "Write a trained network as ONNX, pt2, plain safetensors or a folder for the Hub."),
    "bench": ("bench", "Train a suite of variants, measure them, make the table."),
    "gallery": ("pages.gallery", "A local web page of all runs, with live sampling."),
    "data": ("data", "What data is on disk, what is missing, how to get it."),
    "plugins": ("plugins", "Health of the plugins."),
    "new": ("authoring.new", "Write a plugin of your own: a small distribution that trains as it is."),
    "check": ("authoring.check", "Hold a variant to the contract that plugins must meet."),
    "doctor": ("doctor", "Health of the installation: versions, device, data."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line of help, and imports a command only to run it."""

    plugins_asked = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._ask_plugins()
        return [*COMMANDS, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"ganzoo.cli.{COMMANDS[cmd_name][0]}")
            found = module.command
            assert isinstance(found, click.Command)
            return found
        self._ask_plugins()
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            suggestion = nearest(name, known)
            hint = f"did you mean {suggestion!r}? " if suggestion else ""
            ctx.fail(f"no command {name!r}: {hint}Known: {', '.join(known)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._ask_plugins()
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(name, command.get_short_help_str()) for name, command in sorted(self.commands.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _ask_plugins(self) -> None:
        """Let plugins add commands; one that raises, or takes a name that exists, is reported and left out."""
        if self.plugins_asked:
            return
        self.plugins_asked = True
        from ganzoo.registry.registry import registry

        registry().add_commands(self, tuple(COMMANDS))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ganzoo")
def cli() -> None:
    """A zoo of generative adversarial networks.

    Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage,
    128 + n ended by signal n (130: Ctrl-C). GANZOO_DATA names the data folder; GANZOO_DISPLAY says what
    a training shows; GANZOO_PLUGINS=0 leaves third-party plugins out.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    warnings.showwarning = _show_warning
    received = _catch_signals()
    # A service may start us with stdout or stderr closed; Python then has None in their place.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  # open until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files come out as they are
    try:
        result = cli.main(args=args, prog_name="ganzoo", standalone_mode=False)
        sys.stdout.flush()
    except Interrupted as error:
        fail(str(error), error.exit_code, "interrupted:")
    except GanzooError as error:
        fail(str(error), error.exit_code)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.info_name == "train":
            key = meant_setting(error.option_name.lstrip("-").replace("-", "_"))
            error = click.UsageError(
                f"no option {error.option_name}: settings are written as -o {key}=VALUE.", error.ctx
            )
        if launched().rank == 0 or not meet():
            error.show(sys.stderr)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _interrupted(received)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
            if received:
                _interrupted(received)
            raise
        fail(f"out of memory: smaller networks or images take less. ({error})", 1)
    except BrokenPipeError:
        # The reader (head, say) has gone; without this Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # A folder that may not be entered, a name too long, a full disk behind stdout: no fault of the program's.
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}.", 1)
    except UnicodeEncodeError as error:
        fail(f"{error.object!a} is not UTF-8: rename it.", 2)
    except Exception:
        if received:  # what a library has made of the interrupt
            _interrupted(received)
        raise
    sys.exit(result if isinstance(result, int) else 0)


def _catch_signals() -> list[int]:
    """From now on a signal that ends the program raises KeyboardInterrupt; returns where the received ones are kept."""
    received: list[int] = []

    def handle(number: int, _: Any) -> None:
        received.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in ending():
            signal.signal(number, handle)
    return received


def _interrupted(received: list[int]) -> NoReturn:
    number = received[0] if received else signal.SIGINT
    fail("stopped at once, without a new checkpoint.", 128 + number, "interrupted:")


def fail(message: str, code: int, word: str = "error:") -> NoReturn:
    """Print why the work ended and exit. Of several processes rank 0 speaks for all, another one only if it cannot."""
    world = launched()
    if world.size > 1:  # torchrun's signal, because another process has ended, must not come before the word
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if world.rank == 0 or not meet():
        who = f"rank {world.rank}: " if world.rank else ""
        speak(f"{who}{click.style(word, fg='red', bold=True)} {message}")
    if world.size > 1 and world.rank == 0:
        meet()
    sys.exit(code)


def meant_setting(key: str) -> str:
    """The setting that a word of another program stands for, or the word itself."""
    from ganzoo.config.settings import SYNONYMS

    return SYNONYMS.get(key, key)


def _show_warning(message: Any, category: Any, *_: Any, **__: Any) -> None:
    if launched().rank:
        return  # rank 0 warns of the same
    speak(f"{click.style('warning:', fg='yellow')} {message}")
