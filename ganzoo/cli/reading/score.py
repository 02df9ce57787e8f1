"""``ganzoo score``: how odd images are beside what was trained on, and where."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import SOURCE, parse_assignments, refuse_output, speak

if TYPE_CHECKING:
    from ganzoo.models.interfaces import Scorer
    from ganzoo.models.variant import Variant

SUFFIXES = (".csv", ".json")
SEARCHED = 50
"""Images at once by a scorer that searches: there is something to see of the progress."""


@click.command("score")
@click.argument("source", metavar="RUN|WEIGHTS", type=SOURCE)
@click.option("--input", "inputs", metavar="IMAGE|DIR", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Images; may be repeated.")  # fmt: skip
@click.option("--output", metavar="FILE.csv|.json", type=click.Path(path_type=Path),
              help="A row for each image, in the order of the file names. [default: CSV on stdout]")  # fmt: skip
@click.option("--maps", metavar="FOLDER", type=click.Path(path_type=Path),
              help="A PNG for each image: the image, what was restored, where they differ.")  # fmt: skip
@click.option("-s", "--setting", "assignments", metavar="KEY=VALUE", multiple=True,
              help="A setting of the scorer; see 'ganzoo info VARIANT'. May be repeated.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def command(
    source: Path, inputs: tuple[Path, ...], output: Path | None, maps: Path | None, assignments: tuple[str, ...],
    overwrite: bool,
) -> None:  # fmt: skip
    """Score images: a larger score is odder.

    \b
    ganzoo score runs/x --input folder
    ganzoo score runs/x --input folder --output scores.csv --maps maps
    ganzoo score runs/x --input photo.png -s steps=100

    Images are scaled, cropped and made grey or RGB as those of a training folder are. In the maps black is no
    difference; red, yellow and white are larger ones, on the same scale in all pictures.
    """
    from ganzoo.data.files import image_files
    from ganzoo.errors import DataError, UsageError
    from ganzoo.models.interfaces import Scorer
    from ganzoo.runs.trained import open_one
    from ganzoo.runtime.files import replace_file

    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            raise UsageError(f"output = {output}: the name must end in {' or '.join(SUFFIXES)}.")
        refuse_output(output, overwrite)
    if maps is not None:
        if maps.exists() and not maps.is_dir():
            raise UsageError(f"--maps {maps}: it is a file, name a folder.")
        if maps.exists() and any(maps.iterdir()) and not overwrite:
            raise UsageError(f"--maps {maps}: it is not empty; --overwrite replaces the maps in it.")
    if missing := next((path for path in inputs if not path.exists()), None):
        raise UsageError(f"--input {missing}: no such file or folder.")
    variant, network = open_one(source, Scorer, "scorer of anomalies")
    files = image_files(inputs)
    try:
        scores = scored(variant, network, files, maps, assignments)
    except DataError as error:  # of the files that were named
        raise UsageError(str(error)) from error
    content = text_of(files, scores, "json" if output and output.suffix.lower() == ".json" else "csv")
    if output is None:
        click.echo(content, nl=False)
        return
    replace_file(output, lambda place: place.write_text(content, encoding="utf-8", errors="surrogateescape"))
    click.echo(f"{output}: {len(files):,} scores", err=True)


def scored(
    variant: "Variant", network: "Scorer", files: list[Path], maps: Path | None, assignments: tuple[str, ...]
) -> list[float]:
    """The scores, and the maps written where they are asked for.

    Raises:
        UsageError: a setting that the scorer does not have.
        DataError: a file is no image.
    """
    import dataclasses

    import torch

    from ganzoo.config.fields import build
    from ganzoo.data.files import images_of
    from ganzoo.errors import UsageError
    from ganzoo.report.oddities import panels
    from ganzoo.report.pictures import origin_of, save_image, to_image

    texts = parse_assignments(assignments, "-s")
    if texts and not dataclasses.fields(network.Scoring):
        raise UsageError(f"-s {assignments[0]}: this scorer has no settings.")
    scoring, found = build(network.Scoring, {}, texts), list[float]()
    if maps is not None:
        maps.mkdir(parents=True, exist_ok=True)
    for batch in images_of(files, variant.data, variant.config):
        for images in batch.split(SEARCHED if network.searches else len(batch)):
            with torch.no_grad():
                told = network.compare(images, scoring)
            for i, (*each, score) in enumerate(zip(images, told.restored, told.maps(images), told.scores, strict=True)):
                if maps is not None:
                    number, origin = len(found) + i, origin_of(variant, "", 0, score=f"{float(score):.6g}")
                    path = maps / f"{number:05d}-{files[number].stem}.png"
                    save_image(path, to_image(panels(*each)), {**origin, "step": None})
            found += told.scores.tolist()
            if network.searches:
                speak(f"{len(found):,} of {len(files):,} images")
    return found


def text_of(files: list[Path], scores: list[float], form: str) -> str:
    """Names and scores as CSV or JSON."""
    import csv
    import io
    import json

    if form == "json":
        rows = [{"image": str(file), "score": score} for file, score in zip(files, scores, strict=True)]
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "score"])
    writer.writerows([str(file), repr(score)] for file, score in zip(files, scores, strict=True))
    return text.getvalue()
