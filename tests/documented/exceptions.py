"""What of the documentation is not run here, or not compared, and why. A test fails for what is stale."""

SETS_UP = "sets up a machine: CI runs it as a job of its own"
DOWNLOADS = "downloads from the internet"
SERVER = "a program of others that runs until it is stopped"
GPUS = "needs two machines with GPUs"
MEASURES = "a measurement of minutes to hours; its record is in the repository"

NOT_RUN: dict[str, str] = {
    "make demo": SETS_UP,
    "make test": SETS_UP,
    "pip install .": SETS_UP,
    "ganzoo data fetch mnist": DOWNLOADS,
    "python benchmarks/report_time.py": MEASURES,
    "python benchmarks/survival.py --out benchmarks/results/survival.json --kills 231 --steps 300 --files 300 "
    "--options 1000": MEASURES,
    "torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29400 --no-python ganzoo train "
    "dcgan --out /scratch/run": GPUS,
    "ganzoo train VARIANT [--dataset NAME|folder:PATH|pairs:PATH] [--second NAME] [--steps N] [-o KEY=VALUE ...]": (
        "a synopsis"
    ),
    "ganzoo evaluate images --metric fid-10k --reference cifar10": DOWNLOADS,
    "ganzoo sample runs/3dgan-solids-s0 --class chair -n 4 --output chair.obj": "after four steps shapes are empty",
    "ganzoo sample RUN -n 4 --output shape.obj": "after four steps shapes are empty",
    "tensorboard --logdir runs": SERVER,
    "wandb login": DOWNLOADS,
    "ganzoo train cgan --dataset mnist --logger wandb": DOWNLOADS,
}
"""Command, without its comment -> why it is not run."""

FAILS: dict[str, str] = {
    "ganzoo data verify mnist": "mnist is damaged",  # the small one has other checksums
    "python benchmarks/arithmetic.py runs/dcgan-avatars-s0": "non-empty",  # no face of four steps has an attribute
}
"""Command -> part of the error that it must give with small data and four steps; one that works is stale here."""

NEEDS: dict[str, str] = {
    "ganzoo train f-anogan --dataset cells -o resolution=64 --metric anomaly-auc": "elpv_dataset",
    "ganzoo train text2image --dataset folder:photos -o text_encoder=sentence-transformers:all-MiniLM-L6-v2":
        "sentence_transformers",
    "ganzoo train dcgan -o loggers=tensorboard,wandb": "wandb",
    "ganzoo train crnngan --dataset tunes": "music21",
    "ganzoo train crnngan --dataset tunes --metric tunes-1k": "music21",
    "ganzoo train crnngan --dataset tunes --metric tunes-1k -o metric_every=32000": "music21",
    "ganzoo sample runs/crnngan-tunes-s0 -n 8 --output tune.mid": "music21",
    "ganzoo sample runs/crnngan-tunes-s0/generator-best.safetensors -n 12 --columns 3 --output crnngan-tunes.png":
        "music21",
}  # fmt: skip
"""Command -> a module of an extra that the tests do not install; where it is installed, the command is run."""

NOT_EXECUTED: dict[tuple[str, str], str] = {
    ("docs/export.md", '"""The generator of vanilla-mnist: vanilla, 60 steps.'):
        "written by a command; tests/export runs such files",
    ("docs/distributed.md", "error: another process of this training has ended"):
        "what is left of a training when another process was killed",
}  # fmt: skip
"""Page and beginning of a block of code that is no command -> why it is not executed."""

NOT_COMPARED: dict[str, str] = {
    "ganzoo compare bench/rings/runs/vanilla-ring-s0 bench/rings/runs/vanilla-minibatch-ring-s0":
        "scores and times of trainings of two minutes",
}  # fmt: skip
"""Command whose output the page shows -> why another one comes here."""
