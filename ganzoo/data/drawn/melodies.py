"""``melodies``: waltzes in C major of four bars, made up on the spot; no download.

Each has two ideas of a bar and three notes, A and B, in the order A A B A, and ends on C. The pitches of an idea wander
along the scale, its rhythm is one of four. The first note of a bar is louder.

Random numbers are raw PCG64 output, so bytes are meant to be the same on every machine.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.kinds.notes import alphabet_of, note_dataset
from ganzoo.data.resize import check_request
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec

COUNTS = {"train": 4_000, "test": 1_000}
SCALE = (55, 57, 59, 60, 62, 64, 65, 67, 69, 71, 72, 74, 76)
"""From the G below the middle C to the E above the next."""
HOME = SCALE.index(60)
STEPS = (-2, -1, -1, 0, 1, 1, 2, 3)
"""How far along the scale the next note may be."""
BARS = ((1.0, 1.0, 1.0), (1.5, 0.5, 1.0), (0.5, 0.5, 2.0), (2.0, 0.5, 0.5))
LOUD, SOFT = 100.0, 72.0
BAR = 3
"""Notes of a bar."""
FORM = (0, 0, 1, 0)
NOTES = BAR * len(FORM)
COLUMNS = 2 * (BAR + 1)
"""Random numbers of a tune: for each idea those of its pitches, and that of its rhythm."""


def load(request: DataRequest) -> Dataset:
    """Notes, float32 [N, 12, 4]: length, pitch, intensity, gap. 4,000 tunes to train on or 1,000 to test with."""
    check_request(request, own_spec("melodies"))
    samples = {split: torch.from_numpy(tunes(count, split, request.seed)) for split, count in COUNTS.items()}
    return note_dataset(request, samples[request.split], alphabet_of(*samples.values()))


def tunes(count: int, split: str, seed: int) -> NDArray[np.float32]:
    """float32 [count, 12, 4]."""
    raw = np.random.PCG64(derived_seed("melodies", split, seed)).random_raw(count * COLUMNS)
    drawn = (raw >> np.uint64(32)).astype(np.int64).reshape(count, 2, -1)
    steps, bars = drawn[..., :BAR] % len(STEPS), drawn[..., BAR] % len(BARS)
    wandered = HOME + np.array(STEPS)[steps].cumsum(2) - np.array(STEPS)[steps[..., :1]] + steps[..., :1] % 5
    # What leaves the scale is reflected at its ends.
    last = len(SCALE) - 1
    place = np.abs(wandered) % (2 * last)
    place = np.minimum(place, 2 * last - place)[:, FORM].reshape(count, NOTES)
    place[:, -1] = HOME
    length = np.array(BARS)[bars][:, FORM].reshape(count, NOTES)
    gap = np.concatenate([np.zeros((count, 1)), length[:, :-1]], 1)
    loud = np.where(np.arange(NOTES) % BAR == 0, LOUD, SOFT)[None].repeat(count, 0)
    return np.stack([length, np.array(SCALE)[place], loud, gap], 2).astype(np.float32)
