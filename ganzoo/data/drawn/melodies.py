"""``melodies``: short tunes in C major, made up on the spot; no download.

Each is a bar of four notes and the same again, which ends on C. Pitches wander along the scale, the rhythm is one of
four. The first note of a bar is louder. So short, they suit tests: a network that writes note by note takes a step for
each.

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
HOME, STARTS = SCALE.index(60), 5
"""Where tunes end, and how many places from there on they may begin in."""
STEPS = (-2, -1, -1, 0, 1, 1, 2, 3)
"""How far along the scale the next note may be."""
RHYTHMS = ((1.0, 1.0, 1.0, 1.0), (1.5, 0.5, 1.0, 1.0), (0.5, 0.5, 1.0, 2.0), (2.0, 1.0, 0.5, 0.5))
BAR, BARS = 4, 2
LOUD, SOFT = 100.0, 72.0
COLUMNS = BAR + 1
"""Random numbers of a tune: where it begins, its steps, its rhythm."""


def load(request: DataRequest) -> Dataset:
    """Notes, float32 [N, 8, 4]: length, pitch, intensity, gap. 4,000 tunes to train on or 1,000 to test with."""
    check_request(request, own_spec("melodies"))
    samples = {split: torch.from_numpy(tunes(count, split, request.seed)) for split, count in COUNTS.items()}
    return note_dataset(request, samples[request.split], alphabet_of(*samples.values()))


def tunes(count: int, split: str, seed: int) -> NDArray[np.float32]:
    """float32 [count, 8, 4]."""
    raw = np.random.PCG64(derived_seed("melodies", split, seed)).random_raw(count * COLUMNS)
    drawn = (raw >> np.uint64(32)).astype(np.int64).reshape(count, COLUMNS)
    steps = np.array(STEPS)[drawn[:, 1:BAR] % len(STEPS)]
    place = HOME + np.concatenate([drawn[:, :1] % STARTS, steps], 1).cumsum(1)
    # What leaves the scale is reflected at its ends.
    last = len(SCALE) - 1
    place = np.abs(place) % (2 * last)
    place = np.tile(np.minimum(place, 2 * last - place), BARS)
    place[:, -1] = HOME
    length = np.tile(np.array(RHYTHMS)[drawn[:, BAR] % len(RHYTHMS)], BARS)
    gap = np.concatenate([np.zeros((count, 1)), length[:, :-1]], 1)
    loud = np.broadcast_to(np.where(np.arange(BAR * BARS) % BAR == 0, LOUD, SOFT), length.shape)
    return np.stack([length, np.array(SCALE)[place], loud, gap], 2).astype(np.float32)
