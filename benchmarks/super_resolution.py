"""PSNR and SSIM of bicubic enlargement and of trained networks on folders of images, recorded.

    python benchmarks/super_resolution.py bicubic --folders Set5 Set14 BSDS100
    python benchmarks/super_resolution.py run runs/srgan-bsds200-s0 --folders Set5 Set14 BSDS100

Of a run with both phases two networks are measured: as phase one left it (its checkpoint must be kept) and at the end.
Protocol: sides cut to multiples of 4, antialiased bicubic down to a quarter in the 256 steps of an image file, luma
of ITU-R BT.601, 4 pixels of border removed, SSIM with an 11x11 Gaussian window; means over the images of a folder.
"""

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import records
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.decode import as_stored
from ganzoo.data.sources.folder import open_folder
from ganzoo.metrics.measures.super_resolution import bicubic, by_network, measure, multiple, rescaled
from ganzoo.runs.trained import open_run
from ganzoo.runtime.environment import environment
from ganzoo.runtime.tensor_files import below, fill, read_header, read_tensors

OUT = Path("benchmarks/results/sr")
SCALE = 4
PUBLISHED = {"Set5": (28.43, 32.05, 29.40), "Set14": (25.99, 28.49, 26.02), "BSDS100": (25.94, 27.58, 25.16)}
"""PSNR in dB of bicubic, SRResNet and SRGAN in arXiv:1609.04802, table 2 (trained on 350,000 images of ImageNet)."""


def images(folder: Path) -> list[Tensor]:
    place, listing = open_folder(str(folder), least=1)
    return [multiple(as_stored(place / file), SCALE) for file in listing.images]


def scores(folders: Iterable[Path], enlarge: Any) -> dict[str, Any]:
    found = {}
    for folder in folders:
        pixels = images(folder)
        psnr, ssim = measure(pixels, SCALE, enlarge)
        found[folder.name] = {"psnr": round(psnr, 3), "ssim": round(ssim, 4), "images": len(pixels)}
        print(folder.name, found[folder.name], flush=True)
    return found


def phase(path: Path, run: Any) -> torch.nn.Module:
    """The averaged generator of a checkpoint."""
    network = run.variant.build()["generator"]
    tensors = read_tensors(path)[0]
    part = "ema" if run.config.ema_halflife else "networks"
    fill(network, below(tensors, f"{part}/generator/"), path, "generator")
    return network.eval().requires_grad_(False)


def open_weights(path: Path, run: Any) -> torch.nn.Module:
    """The generator in a weights file that a run began with."""
    network: torch.nn.Module = run.variant.build()["generator"]
    fill(network, read_tensors(path)[0], path, "generator")
    return network.eval().requires_grad_(False)


def crops(
    path: Path, networks: dict[str, torch.nn.Module], places: list[tuple[Path, int, int]], side: int = 96
) -> None:
    """A picture: rows of crops, columns bicubic, each network, original; every pixel drawn as 2 x 2."""
    rows = []
    for file, top, left in places:
        truth = multiple(as_stored(file), SCALE)[None]
        small = rescaled(truth, truth.shape[-2] // SCALE, truth.shape[-1] // SCALE)
        shown = [bicubic(SCALE)(small), *(by_network(n, 3)(small) for n in networks.values()), truth]
        cut = [image[0, :, top : top + side, left : left + side] for image in shown]
        rows.append(torch.cat(cut, dim=2))
    picture = torch.cat(rows, dim=1).repeat_interleave(2, 1).repeat_interleave(2, 2)
    Image.fromarray(np.ascontiguousarray(picture.permute(1, 2, 0).numpy())).save(path)
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("bicubic", "run"))
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--folders", nargs="+", type=Path, required=True)
    parser.add_argument("--name", default="srgan-bsds200-s0")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    about = {**environment(torch.device("cpu"), "ganzoo"), "date": time.strftime("%Y-%m-%d", time.gmtime())}
    about["command"] = records.short(" ".join(about["command"]))
    about |= {"scale": SCALE, "published_psnr": PUBLISHED}
    with torch.no_grad():
        if arguments.what == "bicubic":
            found = {"bicubic": scores(arguments.folders, bicubic(SCALE))}
            records.write(arguments.out / "bicubic.json", {**found, **about})
            return
        run, history = records.read(arguments.run)
        first: Any = run.config.options
        networks = {}
        for path in run.checkpoints():
            step = read_header(path)["step"]
            if step == first.pretrain_steps:
                networks["srresnet"] = phase(path, run)
        if first.pretrained:
            networks["srresnet"] = open_weights(Path(first.pretrained), run)
        networks["srgan" if run.total_steps > first.pretrain_steps else "srresnet"] = open_run(arguments.run).network()
        found = {name: scores(arguments.folders, by_network(n, 3)) for name, n in networks.items()}
        if arguments.picture:
            five = next(folder for folder in arguments.folders if folder.name == "Set5")
            places = [(five / "butterfly.png", 64, 96), (five / "baby.png", 160, 240), (five / "bird.png", 60, 110)]
            crops(arguments.picture, networks, places)
        described = records.describe(run, history, ("psnr_", "ssim_"))
    records.write(arguments.out / f"{arguments.name}.json", {**found, "training": described, **about})


if __name__ == "__main__":
    os.environ.setdefault("GANZOO_PLUGINS", "0")
    main()
