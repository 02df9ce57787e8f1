"""``ganzoo classify``: which class images belong to, by a trained classifier."""

from pathlib import Path

import click

from ganzoo.cli.options import SOURCE, emit_json


@click.command("classify")
@click.argument("source", metavar="RUN|WEIGHTS", type=SOURCE)
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

    from ganzoo.data.files import image_files, images_of
    from ganzoo.models.interfaces import Classifier
    from ganzoo.runs.trained import open_one

    variant, network = open_one(source, Classifier, "classifier")
    data = variant.data
    names = data.classes if network.named else tuple(map(str, range(network.classes)))
    files = image_files(images)
    results = []
    with torch.no_grad():
        for part in images_of(files, data, variant.config):
            results += network(part).softmax(1).tolist()
    if as_json:
        emit_json([
            {
                "image": str(file),
                "class": names[shares.index(max(shares))],
                "probabilities": dict(zip(names, shares, strict=True)),
            }
            for file, shares in zip(files, results, strict=True)
        ])  # fmt: skip
        return
    for file, shares in zip(files, results, strict=True):
        best = shares.index(max(shares))
        click.echo(f"{file}  {names[best]}  {shares[best]:.4f}")
