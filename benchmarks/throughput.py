"""Images per second of ganzoo's training loop, beside public scripts that do the same work, pair by pair.

    python benchmarks/throughput.py own gan --steps 400 [--precision bf16] [--device cuda]
    python benchmarks/throughput.py compare --scripts PyTorch-GAN/implementations --data MNIST_FOLDER [--pairs 5]
    python benchmarks/throughput.py plain [--pairs 3]
    python benchmarks/throughput.py variants [--device cuda] [--steps 100]
    python benchmarks/throughput.py startup [--pairs 5]

`own` prints one JSON line. `compare` runs, for each script and pair, the script itself, unmodified, and then `own`, in
processes of one thread, and records the ratio of each pair (benchmarks/results/throughput/). `plain` does the same with
ganzoo's own loop without its fast paths in the script's place. `variants` times the registered variants at their
default settings, in fp32 and bf16, with the split of time. `startup` is the CPU time of commands. Times are process
times on a CPU, which other users of the machine disturb little, and wall times on a GPU.
"""

import argparse
import json
import os
import re
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

BATCH = 64
WARM, WARM_GPU = 10, 40
"""Iterations that are not timed; on a GPU the first of each kind are watched and captured."""
OUT = Path("benchmarks/results/throughput")


def own(name: str, steps: int, precision: str, device: str, batch_size: int, plain: bool) -> dict[str, Any]:
    """The training loop of ganzoo on the work of a public script, nothing written."""
    import torch
    from peers import PEERS
    from plain_paths import plain_paths

    from ganzoo.config.settings import resolve
    from ganzoo.data.load import load_dataset
    from ganzoo.models.losses import NonSaturating
    from ganzoo.training.session import setting

    kind = PEERS[name]
    settings = {**kind.defaults, "dataset": "mnist", "steps": WARM_GPU + 2 * steps, "precision": precision}
    config = resolve(name, kind.Options, {**settings, "batch_size": batch_size, "resolution": kind.side})
    data = load_dataset("mnist", config)
    with setting(config, torch.device(device)), plain_paths() if plain else nullcontext():
        return timed(kind(config, data.info, NonSaturating()), data, steps, torch.device(device))


def timed(variant: Any, data: Any, steps: int, device: Any) -> dict[str, Any]:
    """Images per second of a variant's iterations, without the first ones."""
    import torch

    from ganzoo.training.loop import TrainingLoop, new_state

    state = new_state(variant, device)
    nothing: Any = None
    loop = TrainingLoop(variant, state, data, nothing, nothing, device)
    for network in state.networks.values():
        network.train()
    begin, warm = 0.0, WARM_GPU if device.type == "cuda" else WARM
    for number in range(1, warm + steps + 1):
        loop.trainer.iterate(loop.stages[-1], number)
        if number == warm:
            begin = clock(device)
    seconds = (clock(device) - begin) / steps
    losses = loop.trainer.recorded()
    batch = variant.config.batch_size
    return {
        "images_per_second": batch / seconds, "step_ms": 1e3 * seconds, "batch_size": batch, "losses": losses,
        "split": split(loop, max(5, steps // 10), device),
        "threads": torch.get_num_threads(), "torch": str(torch.__version__), "device": str(device),
    }  # fmt: skip


def split(loop: Any, steps: int, device: Any) -> dict[str, float]:
    """Share of the time of eager iterations by what they do; they are taken after those that are timed.

    On a GPU the device is waited for at every border, so that the shares are of the work and not of the launches.
    """
    import torch

    from ganzoo.training.trainer import Trainer

    spent: dict[str, float] = {}

    def watched(name: str, call: Any) -> Any:
        def timed_call(*arguments: Any, **words: Any) -> Any:
            begin = clock(device)
            try:
                return call(*arguments, **words)
            finally:
                spent[name] = spent.get(name, 0.0) + clock(device) - begin

        return timed_call

    eager = Trainer(loop.variant, loop.state, loop.loader, device)
    for name, method in (("batch", "next_batch"), ("losses", "losses"), ("moving averages", "average")):
        setattr(eager, method, watched(name, getattr(eager, method)))
    backward = torch.Tensor.backward
    torch.Tensor.backward = watched("backward", backward)  # type: ignore[method-assign]  # put back below
    for optimizer in loop.state.optimizers.values():
        optimizer.step = watched("optimizers", optimizer.step)
    begin, first = clock(device), WARM_GPU + steps
    for number in range(first, first + steps):
        eager.iterate(loop.stages[-1], number)
    whole = clock(device) - begin
    torch.Tensor.backward = backward  # type: ignore[method-assign]
    return {**{name: round(value / whole, 3) for name, value in spent.items()},
            "rest": round(1 - sum(spent.values()) / whole, 3)}  # fmt: skip


def clock(device: Any) -> float:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


class Enough(BaseException):
    """The script has done its steps."""


def script(path: Path, steps: int) -> dict[str, Any]:
    """A public script, unmodified, stopped after so many batches of its loader; process time."""
    import torch

    marks: list[float] = []
    plain = torch.utils.data.DataLoader.__iter__

    def counted(self: Any) -> Any:
        for batch in plain(self):
            marks.append(time.process_time())
            if len(marks) > WARM + steps:
                raise Enough
            yield batch

    torch.utils.data.DataLoader.__iter__ = counted  # type: ignore[method-assign]  # that is how it is counted
    said, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  # open until the process ends
    sys.argv = [str(path)]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except Enough:
        pass
    finally:
        sys.stdout = said
    seconds = (marks[WARM + steps] - marks[WARM]) / steps
    return {"images_per_second": BATCH / seconds, "step_ms": 1e3 * seconds}


def in_process(words: list[str], folder: Path | None = None) -> dict[str, Any]:
    """One measurement in its own process, with one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(Path(__file__).resolve()), *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def length(name: str, steps: int) -> int:
    """Steps that take about as long for each of the networks."""
    return max(20, steps // 10) if name in ("dcgan", "sgan") else steps


def fast_and_plain(names: list[str], pairs: int, steps: int, precision: str) -> dict[str, Any]:
    """The ratio of ganzoo with its fast paths and without them, of every pair."""
    found: dict[str, Any] = {}
    for name in names:
        words = ["own", name, "--steps", str(length(name, steps)), "--precision", precision]
        rows = []
        for _ in range(pairs):
            rates = [in_process([*words, *more])["images_per_second"] for more in (["--plain"], [])]
            rows.append({"plain": rates[0], "fast": rates[1], "ratio": rates[1] / rates[0]})
            print(f"{name}: {rows[-1]}", file=sys.stderr, flush=True)
        found[name] = {"median_ratio": statistics.median(row["ratio"] for row in rows), "pairs": rows}
    return found


COMMANDS = {
    "import torch": ["-c", "import torch"],
    "ganzoo list": ["-m", "ganzoo", "list"],
    "ganzoo --help": ["-m", "ganzoo", "--help"],
    "ganzoo train vanilla --dataset ring --steps 1": ["-c", (
        "import resource, sys\n"
        "from ganzoo.training.trainer import Trainer\n"
        "from ganzoo.cli import main\n"
        "iterate = Trainer.iterate\n"
        "def first(*arguments):\n"
        "    iterate(*arguments)\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    heavy = [name for name in ('torchvision', 'torch_fidelity') if name in sys.modules]\n"
        "    print('first step', used.ru_utime + used.ru_stime, heavy, file=sys.stderr)\n"
        "Trainer.iterate = first\n"
        "sys.argv = ['ganzoo', 'train', 'vanilla', '--dataset', 'ring', '--steps', '1']\n"
        "sys.exit(main())\n"
    )],
}  # fmt: skip


def startup(pairs: int) -> dict[str, Any]:
    """User and system seconds of commands, each several times; of a training until its first step is done."""
    found: dict[str, Any] = {}
    for _ in range(pairs):
        for name, words in COMMANDS.items():
            with tempfile.TemporaryDirectory() as folder:
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                env = {**os.environ, "OMP_NUM_THREADS": "1"}
                done = subprocess.run(
                    [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=True
                )
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            said = re.search(r"first step ([\d.]+) (.*)", done.stderr)
            if said:
                seconds = float(said[1])
                assert said[2] == "[]", f"imported on the way: {said[2]}"
            found.setdefault(name, []).append(round(seconds, 3))
    return {name: {"median_seconds": statistics.median(times), "seconds": times} for name, times in found.items()}


def compare(scripts: Path, data: Path, names: list[str], pairs: int, steps: int, precision: str) -> dict[str, Any]:
    """The ratio ganzoo / script of every pair."""
    found: dict[str, Any] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "implementations" / name
            (place / "images").mkdir(parents=True)
            (Path(folder) / "data").mkdir()
            (Path(folder) / "data" / "mnist").symlink_to(data.resolve())
            rows = []
            for _ in range(pairs):
                many = length(name, steps)
                path = (scripts / name / f"{name}.py").resolve()
                theirs = in_process(["script", str(path), "--steps", str(many)], place)
                ours = in_process(["own", name, "--steps", str(many), "--precision", precision])
                ratio = ours["images_per_second"] / theirs["images_per_second"]
                rows.append({"theirs": theirs["images_per_second"], "ours": ours["images_per_second"], "ratio": ratio})
                print(f"{name}: {rows[-1]}", file=sys.stderr, flush=True)
        ratios = [row["ratio"] for row in rows]
        found[name] = {"median_ratio": statistics.median(ratios), "pairs": rows}
    return found


def variants(device: str, steps: int) -> dict[str, Any]:
    """Registered variants at their defaults, in fp32 and bf16."""
    import torch

    import ganzoo
    from ganzoo.data.needs import embedded_set
    from ganzoo.registry.registry import registry
    from ganzoo.training.session import setting

    found: dict[str, Any] = {}
    for name in registry().variants:
        data = embedded_set(registry().variants.spec(name))
        for precision in ("fp32", "bf16"):
            with tempfile.TemporaryDirectory() as folder:
                settings = {"precision": precision, "device": device}
                job = ganzoo.prepare(name, data, out=Path(folder) / "x", settings=settings)
                with setting(job.config, job.device):
                    found[f"{name}-{precision}"] = timed(job.variant, job.dataset, steps, torch.device(device))
                    print(name, precision, found[f"{name}-{precision}"], file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("own", "script", "compare", "plain", "variants", "startup"))
    parser.add_argument("name", nargs="?")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=BATCH)
    parser.add_argument("--plain", action="store_true", help="own: without ganzoo's fast paths")
    parser.add_argument("--scripts", type=Path)
    parser.add_argument("--data", type=Path, help="a folder with MNIST/raw, unpacked")
    parser.add_argument("--which", nargs="*", default=["gan", "cgan", "wgan", "wgan_gp", "dcgan", "sgan"])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    a = parser.parse_args()
    if a.what == "own":
        print(json.dumps(own(a.name, a.steps, a.precision, a.device, a.batch_size, a.plain)))
    elif a.what == "script":
        print(json.dumps(script(Path(a.name), a.steps)))
    else:
        import torch
        from peers import DIFFERS
        from records import write

        from ganzoo.runtime.environment import environment, now

        if a.what == "compare":
            rows = compare(a.scripts, a.data, a.which, a.pairs, a.steps, a.precision)
            medians = [row["median_ratio"] for row in rows.values()]
            about = {"geometric_mean": statistics.geometric_mean(medians), "differs": DIFFERS, "clock": "process time"}
        elif a.what == "plain":
            rows = fast_and_plain(a.which, a.pairs, a.steps, a.precision)
            about = {"clock": "process time"}
        elif a.what == "startup":
            rows, about = startup(a.pairs), {"clock": "user and system time"}
        else:
            rows, about = variants(a.device, a.steps), {}
        where = environment(torch.device(a.device if a.what == "variants" else "cpu"), "ganzoo")
        where = {key: where[key] for key in ("versions", "device", "hardware")}
        given = " --scripts PyTorch-GAN/implementations --data MNIST_FOLDER" if a.what == "compare" else ""
        given += f" --which {' '.join(a.which)}" if a.what in ("compare", "plain") else ""
        lengths = f"--steps {a.steps} --pairs {a.pairs} --precision {a.precision}"
        command = f"python benchmarks/throughput.py {a.what}{given} {lengths}"
        names = {"variants": f"variants-{a.device}", "startup": "startup"}
        name = names.get(a.what, f"{a.what}-{a.precision}")
        write(a.out / f"{name}.json", {"rows": rows, **about, **where, "date": now(), "command": command})


if __name__ == "__main__":
    main()
