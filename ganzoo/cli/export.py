"""``ganzoo export``: a trained network in a form that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import SOURCE, parse_assignments, speak
from ganzoo.errors import ExportError, UsageError

if TYPE_CHECKING:
    from ganzoo.export.write import Exported

NOTE = "note:"


@click.command("export")
@click.argument("source", metavar="RUN|WEIGHTS", type=SOURCE)
@click.option("--to", required=True, type=click.Choice(["onnx", "pt2", "hf", "plain"]),
              help="onnx: for ONNX Runtime. pt2: a program of torch.export. plain: safetensors and a Python file that "
              "needs torch alone. hf: a folder with a model card, as the Hugging Face Hub has it.")  # fmt: skip
@click.option("--role", metavar="ROLE|all",
              help="Which network of the run, such as classifier; all: each of them. [default: the first]")  # fmt: skip
@click.option("--weights", type=click.Choice(["used", "last", "best"]), default="used", show_default=True,
              help="used: those that samples are drawn with, averaged where the run keeps an average. last: as the "
              "last step left them. best: those with the best value of the first metric.")  # fmt: skip
@click.option("-s", "--setting", "assignments", metavar="KEY=VALUE", multiple=True,
              help="A sampling setting that the export keeps; see 'ganzoo info VARIANT'. May be repeated.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="File or folder. [default: RUN-ROLE with the ending of the format]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file. Folders are never replaced.")
def command(
    source: Path, to: str, role: str | None, weights: str, assignments: tuple[str, ...], output: Path | None,
    overwrite: bool,
) -> None:  # fmt: skip
    """Write a trained network in another form, and print where it lies.

    \b
    ganzoo export runs/x --to onnx                     x-generator.onnx
    ganzoo export runs/x --to pt2 --output net.pt2
    ganzoo export runs/x --to plain --role all
    ganzoo export runs/x --to hf --output x-for-the-hub

    What computes is compared with PyTorch first, at batches of 1, 3 and 8. Where it differs by more than 1e-4 of the
    largest value, or of 1, nothing is written.

    With --role all every network is tried before one is written; those that cannot be exported are named.
    """
    from ganzoo.export.source import roles_of
    from ganzoo.export.write import prepare_export

    source = source.expanduser()
    if role == "all" and output:
        raise UsageError(f"--output {output} names one file; --role all writes one for each role, named after it.")
    ready, left_out = [], {}
    for each in roles_of(source) if role == "all" else [role]:
        try:
            write = prepare_export(
                source,
                to,  # type: ignore[arg-type]  # click checks the choices
                role=each,
                weights=weights,  # type: ignore[arg-type]
                settings=parse_assignments(assignments, "-s"),
                output=output.expanduser() if output else None,
                overwrite=overwrite,
            )
        except ExportError as error:
            left_out[each] = error
        else:
            ready.append(write)
    if not ready:
        raise next(iter(left_out.values()))
    for each, reason in left_out.items():
        speak(f"{click.style(NOTE, fg='yellow')} no {each} is written: {reason}")
    for write in ready:
        done = write()
        tell(done)
        click.echo(done.path)


def tell(done: "Exported") -> None:
    """What a user should know of an export, on stderr."""
    if done.difference is not None:
        speak(f"differs from PyTorch by {done.difference:.1e} at most, at batches of 1, 3 and 8")
    note = click.style(NOTE, fg="yellow")
    if done.fixed_sides:
        speak(f"{note} it takes images of one size only: this network allows no other export")
    if done.note:
        speak(f"{note} {done.note}")
    speak(f"SHA-256 {done.sha256}")
