"""One training of a suite, in its own process: ``python -m ganzoo.bench.task FOLDER NAME``.

What became of it is left in ``jobs/NAME.json``, whole or not at all; the training itself is an ordinary run directory.
"""

import dataclasses
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from ganzoo.bench.runner import outcome
from ganzoo.errors import Interrupted
from ganzoo.metrics.measure import divided
from ganzoo.metrics.requests import MetricRequest, requests_in
from ganzoo.models.state import Stage
from ganzoo.runs.run import checkpoints
from ganzoo.runtime.device import clock_of
from ganzoo.runtime.files import replace_text
from ganzoo.runtime.locks import waiting
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.session import TrainingSession, setting
from ganzoo.training.setup import prepare

STEPS = {"cuda": (40, 100)}
"""Steps that are not timed, and steps that are, to turn minutes into steps. On a GPU the first ones are captured."""
FEW = (3, 24)
LEAST_SECONDS = 3.0
"""Steps are timed for so long at least: some work is due in one of several steps only."""
ROUNDS = 8
"""Times that a number of steps is corrected until they see as many images as the budget says."""


def steps_of(job: dict[str, Any], prepared: TrainingSession) -> int:
    """How many steps the budget is. Stages may have batch sizes of their own."""
    if job["images"]:
        steps = max(1, math.ceil(job["images"] / prepared.config.batch_size))
        for _ in range(ROUNDS):
            if (seen := images_of(prepared, steps)) == job["images"]:
                break
            steps = max(1, math.ceil(steps * job["images"] / seen))
        return steps
    seconds = seconds_a_step(prepared)
    before = prepared.precision.took if prepared.precision else 0.0  # to measure is part of the training
    return max(1, int((job["minutes"] * 60 - before) / seconds))


def images_of(prepared: TrainingSession, steps: int) -> int:
    """Real samples that a training of so many steps sees."""
    variant = prepared.variant
    config = dataclasses.replace(prepared.config, steps=steps)
    longer = type(variant)(config, variant.data, variant.loss if variant.has_loss else None)
    return sum(stage.steps * (stage.batch_size or config.batch_size) for stage in longer.stages())


def seconds_a_step(prepared: TrainingSession) -> float:
    """The mean over a training, measured by steps of each of its stages, of which nothing is kept."""
    with setting(prepared.config, prepared.device):
        state = new_state(prepared.variant, prepared.device)
        nothing: Any = None
        loop = TrainingLoop(prepared.variant, state, prepared.dataset, nothing, nothing, prepared.device)
        for network in state.networks.values():
            network.train()
        return sum(stage.steps * timed(loop, stage) for stage in loop.stages) / loop.total_steps


def timed(loop: TrainingLoop, stage: Stage) -> float:
    """Seconds that a step of a stage takes."""
    now = clock_of(loop.config.clock, loop.device)

    def done() -> float:
        """The time when all that was asked of the device is done."""
        if loop.device.type == "cuda":
            torch.cuda.synchronize()
        return now()

    warm, many = STEPS.get(loop.device.type, FEW)
    number, begin, spent = 0, 0.0, 0.0
    while number < warm + many or spent < LEAST_SECONDS:
        if number == warm:
            begin = done()
        loop.trainer.iterate(stage, number + 1)
        number += 1
        if number >= warm + many:
            spent = done() - begin
    return spent / (number - warm)


def work(folder: Path, name: str) -> dict[str, Any]:
    """Train, or go on; returns what is to be remembered."""
    job = json.loads((folder / "plan" / f"{name}.json").read_text(encoding="utf-8"))
    out = folder / "runs" / name
    if out.exists() and not checkpoints(out):
        shutil.rmtree(out)  # killed before its first checkpoint; the folder is the runner's own
    device = {"device": job["device"], "report": False}  # the page of the suite shows them all
    if out.exists():
        prepared = prepare(out=out, resume=True, settings=device)
        taken = requests_in(prepared.config.metrics)
        titles = {request.title for request in taken}
        later = [n for n in job["metrics"] if MetricRequest.parse(n).title not in titles]
        now = divided(prepared.context(), later)
        omitted = {**dict.fromkeys(now[0], "it was not available when this training began"), **now[1]}
    else:
        given = {**job["settings"], "seed": job["seed"], **device}
        prepared = prepare(job["variant"], job["dataset"], out=out, settings={**given, "metrics": ""})
        taken, omitted = divided(prepared.context(), job["metrics"])
        prepared.settle_precision()
        chosen = prepared.config.precision
        more = {"steps": steps_of(job, prepared), "metrics": ", ".join(map(str, taken)), "precision": chosen}
        prepared = prepare(job["variant"], job["dataset"], out=out, settings={**given, **more})
    run = prepared.train()
    networks = run.variant.build()
    return {
        "status": run.status,
        "omitted": {n.title: why for n, why in omitted.items()},
        "parameters": {key: sum(p.numel() for p in network.parameters()) for key, network in networks.items()},
    }


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    # Held from before anything is looked at: a runner that was killed may have left this very job at work.
    with waiting(folder / "jobs" / f".{name}.lock"):
        if outcome(folder, name).get("status") == "finished":
            return
        try:
            found = work(folder, name)
        except (Interrupted, KeyboardInterrupt):
            sys.exit(130)
        except Exception as error:  # whatever it is, the other jobs go on, and the table shows it
            found = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        text = json.dumps(found, indent=1) + "\n"
        replace_text(folder / "jobs" / f"{name}.json", text)
    sys.exit(0 if found["status"] == "finished" else 1)


if __name__ == "__main__":
    main()
