"""``ganzoo evaluate``: metrics of a run, a weights file or a folder of images; pictures of what samples resemble."""

import math
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.options import SOURCE, emit_json, emit_table
from ganzoo.errors import UsageError


@click.command("evaluate")
@click.argument("source", metavar="RUN|WEIGHTS|DIR", type=SOURCE)
@click.option("--metric", "metrics", metavar="NAME[@ROLE][ vs DATASET]", multiple=True,
              help="What to measure; may be repeated.")  # fmt: skip
@click.option("--reference", metavar="NAME|folder:PATH", help="Data set to compare with. [default: trained on]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option("--device", metavar="auto|cpu|cuda|mps", default="auto", show_default=True, help="Where to compute.")
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE",
              help="Inception's or VGG's weights, instead of the file in torch's cache.")  # fmt: skip
@click.option("--neighbours", type=click.Path(path_type=Path), metavar="FILE.png",
              help="Draw samples beside their nearest training images, by pixels and by features.")  # fmt: skip
@click.option("--panel", type=click.Path(path_type=Path), metavar="FILE.png",
              help="Draw samples and the training image nearest to the last of each row: arXiv:1406.2661.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace existing pictures.")
@click.option("--json", "as_json", is_flag=True, help="Numbers with all that they depend on, as JSON.")
def command(
    source: Path,
    metrics: tuple[str, ...],
    reference: str | None,
    seed: int,
    device: str,
    weights: Path | None,
    neighbours: Path | None,
    panel: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure, and print the numbers.

    \b
    ganzoo evaluate runs/x --metric fd-mnist-10k --metric prc-mnist-10k
    ganzoo evaluate runs/x/generator-best.safetensors --metric fid-50k --json
    ganzoo evaluate folder --metric fid-10k --reference cifar10
    ganzoo evaluate runs/x --neighbours neighbours.png

    'ganzoo list metrics' shows what there is; a name is a protocol.
    """
    from ganzoo.metrics.requests import as_requests, base_name
    from ganzoo.registry.registry import registry

    requests = as_requests(metrics)  # importing torch takes seconds; a mistyped name need not wait for it
    extractors = {registry().metrics.spec(request.name).extractor for request in requests}
    if weights is not None and not extractors & {"inception", "vgg"}:
        raise UsageError(f"--weights {weights} is for metrics on features of Inception or VGG.")
    pictures = {name: path for name, path in (("neighbours", neighbours), ("panel", panel)) if path}
    for path in pictures.values():
        refuse_picture(path, overwrite)
    if neighbours is not None and neighbours == panel:
        raise UsageError(f"--neighbours and --panel name the same {panel}.")
    from ganzoo.cli.progress import DataProgress
    from ganzoo.metrics.evaluate import evaluate, open_context
    from ganzoo.report.neighbours import DRAWERS, refuse

    results = []
    with DataProgress(quiet=False) as progress:
        arguments: dict[str, Any] = {"seed": seed, "device": device, "progress": progress}
        context = open_context(source, [], reference, **arguments) if pictures else None
        if context:
            refuse(context)
        if metrics or not context:  # without a name it says which would make sense
            results = evaluate(source, metrics, reference, weights=weights, **arguments)
    if as_json:
        emit_json([result.as_json() for result in results])
    elif results:
        rows = []
        for result in results:
            spec = registry().metrics.spec(base_name(result.metric))
            first, *others = [(name, shown(value)) for name, value in result.values.items()]
            value = f"{first[1]} {spec.unit}".strip()
            rows.append((result.metric, value, spec.better, ", ".join(f"{name} {text}" for name, text in others)))
        emit_table(("METRIC", "VALUE", "BETTER", "ALSO"), rows)
    if context:
        for name, path in pictures.items():
            DRAWERS[name](context, path)
            click.echo(path, err=as_json)


def shown(value: float) -> str:
    """Four digits that count."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.4g}"


def refuse_picture(path: Path, overwrite: bool) -> None:
    """Raise UsageError for a picture that cannot be written."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: name a FILE.png.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists: add --overwrite, or choose another name.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder.")
