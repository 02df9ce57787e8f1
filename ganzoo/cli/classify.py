"""``ganzoo classify``: which class images belong to, by a trained classifier."""

from pathlib import Path

import click

from ganzoo.cli.options import emit_json
from ganzoo.errors import DataError

BATCH = 256


@click.command("classify")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE|DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Paths, classes and all probabilities as JSON.")
def command(source: Path, images: tuple[Path, ...], as_json: bool) -> None:
    """Print the class of each image and its probability.

    \b
    ganzoo classify runs/x digit.png
    ganzoo classify runs/x folder --json

    Images are scaled, cropped and made grey or RGB as those of a training folder are.
    """
    import torch

    from ganzoo.config.fields import colour_of
    from ganzoo.data.base import to_unit
    from ganzoo.data.decode import Decoder
    from ganzoo.data.images.opening import Undecodable
    from ganzoo.data.sources.listing import list_folder
    from ganzoo.errors import UsageError
    from ganzoo.models.interfaces import Classifier
    from ganzoo.runs.trained import first_of, open_networks

    variant, networks = open_networks(source)
    network, data = first_of(networks, Classifier), variant.data
    if network is None:
        kinds = ", ".join(type(found).__name__ for found in networks.values())
        raise UsageError(f"{source} holds {kinds}: no classifier.")
    files: list[Path] = []
    for path in images:
        if path.is_dir():
            found = [path / file for file in list_folder(path).images]
            if not found:
                raise UsageError(f"{path} holds no images.")
            files += found
        else:
            files.append(path)
    channels, height, width = data.shape
    background, levels = colour_of(variant.config.background), variant.config.levels
    decoder = Decoder(channels, height, width, background=background, levels=levels)
    results = []
    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        pixels = []
        for file in part:
            try:
                pixels.append(decoder(file))
            except Undecodable as error:
                raise DataError(f"{file} cannot be read: {error}.") from error
        with torch.no_grad():
            results += network(to_unit(torch.stack(pixels))).softmax(1).tolist()
    if as_json:
        emit_json([
            {
                "image": str(file),
                "class": data.classes[shares.index(max(shares))],
                "probabilities": dict(zip(data.classes, shares, strict=True)),
            }
            for file, shares in zip(files, results, strict=True)
        ])  # fmt: skip
        return
    for file, shares in zip(files, results, strict=True):
        best = shares.index(max(shares))
        click.echo(f"{file}  {data.classes[best]}  {shares[best]:.4f}")
