"""``ganzoo encode``: images to latents or codes, by a trained encoder."""

from pathlib import Path

import click

from ganzoo.cli.options import SOURCE

SUFFIXES = (".npy", ".csv")


@click.command("encode")
@click.argument("source", metavar="RUN|WEIGHTS", type=SOURCE)
@click.option("--input", "inputs", metavar="IMAGE|DIR", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Images; may be repeated.")  # fmt: skip
@click.option("--output", metavar="FILE.npy|.csv", required=True, type=click.Path(path_type=Path),
              help="Rows of numbers in the order of the file names; CSV has the names too.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def command(source: Path, inputs: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Write the latents of images.

    \b
    ganzoo encode runs/x --input folder --output codes.npy
    ganzoo encode runs/x --input a.png --input b.png --output codes.csv

    Images are scaled, cropped and made grey or RGB as those of a training folder are.
    """
    import csv
    import io

    import numpy as np
    import torch

    from ganzoo.data.files import image_files, images_of
    from ganzoo.errors import UsageError
    from ganzoo.models.interfaces import Encoder
    from ganzoo.runs.trained import open_one
    from ganzoo.runtime.files import replace_file

    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"output = {output}: the name must end in {' or '.join(SUFFIXES)}.")
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists: --overwrite replaces it.")
    variant, network = open_one(source, Encoder, "encoder")
    files = image_files(inputs)
    with torch.no_grad():
        codes = torch.cat([network(images).float() for images in images_of(files, variant.data, variant.config)])
    if output.suffix.lower() == ".npy":
        array = io.BytesIO()
        np.save(array, codes.numpy())
        content = array.getvalue()
    else:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["image", *(f"z{i}" for i in range(codes.shape[1]))])
        writer.writerows([str(file), *map(repr, row)] for file, row in zip(files, codes.tolist(), strict=True))
        content = text.getvalue().encode()
    replace_file(output, lambda place: place.write_bytes(content))
    click.echo(f"{output}: {len(files):,} rows of {codes.shape[1]}", err=True)
