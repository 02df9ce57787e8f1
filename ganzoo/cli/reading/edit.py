"""``ganzoo edit``: attributes of images, changed by a trained generator and its encoders."""

from pathlib import Path

import click


@click.command("edit")
@click.argument("source", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--input", "inputs", metavar="IMAGE|DIR", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Images; may be repeated.")  # fmt: skip
@click.option("-s", "--setting", "assignments", metavar="ATTRIBUTE=yes|no", multiple=True,
              help="What to change; may be repeated. Nothing: images are only drawn again.")  # fmt: skip
@click.option("--output", metavar="FILE.png|DIR", required=True, type=click.Path(path_type=Path),
              help="FILE.png: a row for each image: the image, the same drawn again, and edited. A folder: the edited "
              "images alone.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def command(
    source: Path, inputs: tuple[Path, ...], assignments: tuple[str, ...], output: Path, overwrite: bool
) -> None:
    """Change attributes of images.

    \b
    ganzoo edit runs/x --input face.png -s glasses=yes --output edited.png
    ganzoo edit runs/x --input faces/ -s glasses=yes -s hat=no --output edited/

    Images are scaled and cropped as those of a training folder are. Attributes that are not named stay as the run's
    encoder reads them. An unknown one is answered with those that there are.
    """
    import torch

    from ganzoo.cli.options import parse_assignments, refuse_output
    from ganzoo.data.base import to_uint8
    from ganzoo.data.files import image_files, images_of
    from ganzoo.errors import UsageError
    from ganzoo.models.edit import editor_of
    from ganzoo.report.pictures import save_image, save_picture, to_image
    from ganzoo.runs.trained import open_networks

    alone = not output.suffix or output.is_dir()
    if not alone and output.suffix.lower() != ".png":
        raise UsageError(f"--output {output}: name a FILE.png or a folder.")
    variant, networks = open_networks(source)
    editor = editor_of(networks)
    if editor is None:
        kinds = ", ".join(type(found).__name__ for found in networks.values())
        raise UsageError(f"{source} holds {kinds}: to edit takes a generator of attributes and its two encoders.")
    wanted = editor.condition.columns(parse_assignments(assignments, "-s"))
    files = image_files(inputs)
    targets = [output / f"{file.stem}.png" for file in files] if alone else [output]
    if len(set(targets)) < len(targets):
        raise UsageError("two images have the same name, and would be one PNG: edit them one after the other.")
    if not alone:
        refuse_output(output, overwrite)
    elif output.exists() and not output.is_dir():
        raise UsageError(f"--output {output}: a file is there, and edited images go to a folder or a FILE.png.")
    elif not overwrite and (existing := [target for target in targets if target.exists()]):
        raise UsageError(f"{existing[0]} exists: add --overwrite, or choose another --output.")
    rows = []
    for images in images_of(files, variant.data, variant.config):
        edited = editor.edit(images, wanted)
        rows.append(edited if alone else torch.stack([images, editor.edit(images, {}), edited], 1).flatten(0, 1))
    pictures = torch.cat(rows)
    if alone:
        output.mkdir(parents=True, exist_ok=True)
        for target, pixels in zip(targets, to_uint8(pictures), strict=True):
            save_image(target, to_image(pixels))
    else:
        save_picture(output, pictures, columns=3)
    click.echo(output)
