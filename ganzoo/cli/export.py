"""``ganzoo export``: a trained network in a form that other programs open."""

from pathlib import Path

import click

from ganzoo.cli.options import speak


@click.command("export")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("--format", "form", required=True, type=click.Choice(["onnx", "pt2", "hf", "plain"]),
              help="onnx: for ONNX Runtime. pt2: a program of torch.export. plain: safetensors and a Python file that "
              "needs torch alone. hf: a folder with a model card, as the Hugging Face Hub has it.")  # fmt: skip
@click.option("--role", metavar="ROLE", help="Which network of the run, such as classifier. [default: the first]")
@click.option("--output", type=click.Path(path_type=Path),
              help="File or folder. [default: RUN-ROLE with the ending of the format]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file. Folders are never replaced.")
def command(source: Path, form: str, role: str | None, output: Path | None, overwrite: bool) -> None:
    """Write a trained network in another form, and print where it lies.

    \b
    ganzoo export runs/x --format onnx                     x-generator.onnx
    ganzoo export runs/x --format pt2 --output net.pt2
    ganzoo export runs/x --format plain --role classifier
    ganzoo export runs/x --format hf --output x-for-the-hub

    What computes is compared with PyTorch first, at batches of 1, 3 and 8. Where it differs by more than 1e-5 of the
    largest value, or of 1, nothing is written.
    """
    from ganzoo.export.write import export_network

    done = export_network(
        source,
        form,
        role=role,
        output=output.expanduser() if output else None,
        overwrite=overwrite,  # type: ignore[arg-type]  # click checks the format
    )
    if done.difference is not None:
        speak(f"differs from PyTorch by {done.difference:.1e} at most, at batches of 1, 3 and 8")
    if done.fixed_sides:
        speak(
            f"{click.style('note:', fg='yellow')} it takes images of one size only: this network allows no other export"
        )
    if done.note:
        speak(f"{click.style('note:', fg='yellow')} {done.note}")
    click.echo(done.path)
