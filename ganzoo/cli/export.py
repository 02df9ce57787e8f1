"""``ganzoo export``: a trained network in a form that other programs open."""

from pathlib import Path

import click

from ganzoo.cli.options import parse_assignments, speak

NOTE = "note:"


@click.command("export")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Choice(["onnx", "pt2", "hf", "plain"]),
              help="onnx: for ONNX Runtime. pt2: a program of torch.export. plain: safetensors and a Python file that "
              "needs torch alone. hf: a folder with a model card, as the Hugging Face Hub has it.")  # fmt: skip
@click.option(
    "--role", metavar="ROLE", help="Which network of the run, such as classifier or b2a. [default: the first]"
)
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
    ganzoo export runs/x --to plain --role classifier
    ganzoo export runs/x --to hf --output x-for-the-hub

    What computes is compared with PyTorch first, at batches of 1, 3 and 8. Where it differs by more than 1e-5 of the
    largest value, or of 1, nothing is written.
    """
    from ganzoo.export.write import export_network

    done = export_network(
        source.expanduser(),
        to,  # type: ignore[arg-type]  # click checks the choices
        role=role,
        weights=weights,  # type: ignore[arg-type]
        settings=parse_assignments(assignments, "-s"),
        output=output.expanduser() if output else None,
        overwrite=overwrite,
    )
    if done.difference is not None:
        speak(f"differs from PyTorch by {done.difference:.1e} at most, at batches of 1, 3 and 8")
    note = click.style(NOTE, fg="yellow")
    if done.fixed_sides:
        speak(f"{note} it takes images of one size only: this network allows no other export")
    if done.note:
        speak(f"{note} {done.note}")
    click.echo(done.path)
