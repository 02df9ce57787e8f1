"""``ganzoo sample --input``: images through a translator, file by file."""

from pathlib import Path

from torch import nn

from ganzoo.cli.options import choose_classes, refuse_output
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Translator
from ganzoo.models.translate import translate_file
from ganzoo.models.variant import Variant
from ganzoo.runs.trained import first_of, input_channels


def translate_all(
    source: Path,
    opened: tuple[Variant, dict[str, nn.Module]],
    given: Path,
    output: Path | None,
    direction: str | None,
    wanted: str | None,
    tile: int | None,
    overwrite: bool,
    mask: Path | None = None,
) -> Path:
    """Translate an image, or all images of a folder; returns where the result lies.

    Args:
        source: run directory or weights file; ``opened`` is what it holds.
        given: an image or a folder.
        output: FILE.png or a folder; None: named after the input.
        direction: role of the translator; None: the first one.
        wanted: name or number of the class to translate into.
        mask: image that is white where a network that fills holes is to paint, for all inputs.

    Raises:
        UsageError: an input or output that cannot be, or no such translator.
    """
    from ganzoo.data.sources.listing import list_folder

    whole = given.is_dir()
    variant, network = opened[0], translator_of(source, opened[1], given, direction)
    if mask is not None and not network.masked:
        raise UsageError(f"--mask {mask}: this network fills no holes.")
    word = "enlarged" if network.scale > 1 else "filled" if network.masked else "translated"
    target = (output or Path(word if whole else f"{given.stem}-{word}.png")).expanduser()
    if whole == (target.suffix.lower() == ".png") or not (whole or target.suffix):
        raise UsageError(f"--output {target}: name a {'folder' if whole else 'FILE.png'} for this --input.")
    if not whole:
        refuse_output(target, overwrite)
    label, channels = label_of(network, variant, wanted), input_channels(network, variant.data)
    if not whole:
        translate_file(network, channels, given, target, tile, label, mask)
        return target
    files = list_folder(given).images
    if not files:
        raise UsageError(f"--input {given}: no images there.")
    results: dict[Path, Path] = {}
    for file in files:
        other = results.setdefault(target / file.with_suffix(".png"), given / file)
        if other != given / file:
            twins = f"{other.relative_to(given)} and {file}"
            raise UsageError(f"--input {given}: {twins} differ in their ending only, and would be one PNG.")
    if not overwrite and (existing := [path for path in results if path.exists()]):
        raise UsageError(f"{existing[0]} exists: add --overwrite, or choose another --output.")
    for path, file in results.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        translate_file(network, channels, file, path, tile, label, mask)
    return target


def translator_of(source: Path, networks: dict[str, nn.Module], given: Path, direction: str | None) -> Translator:
    """The translator of a direction.

    Raises:
        UsageError: there is none.
    """
    found = first_of(networks, Translator, direction)
    if found is not None:
        return found
    directions = [role for role, network in networks.items() if isinstance(network, Translator)]
    if direction is not None and directions:
        raise UsageError(f"--direction {direction}: {source} translates in the directions {', '.join(directions)}.")
    raise UsageError(f"--input {given}: {source} draws samples, it translates no images.")


def label_of(network: Translator, variant: Variant, wanted: str | None) -> int | None:
    """The class to translate into.

    Raises:
        UsageError: none is named where one is needed, one where none is taken, several, or an unknown one.
    """
    if not network.classes:
        if wanted is not None:
            raise UsageError(f"--class {wanted}: this network was trained without labels, it takes no class.")
        return None
    chosen = choose_classes(wanted, network.classes, variant.data.classes)
    if len(chosen) != 1:
        raise UsageError(f"this network translates into classes: name one of them, 0 to {network.classes - 1}.")
    return chosen[0]
