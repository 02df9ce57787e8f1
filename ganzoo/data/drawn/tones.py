"""``tones``: short musical tones, drawn on the spot; no download.

A sample is one tone of three octaves, C3 to B5, in one of four timbres: it sets in as its period begins, fades, is a
little out of tune, and has a little noise. Its class is its pitch class, C to B.

Random numbers are raw PCG64 output. Phases are whole numbers of 32 bits, sines come from a table that is made with
square roots and products, and fading is a product from sample to sample: single IEEE operations and no sine of the
system's, so bytes are meant to be the same on every machine.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.drawn import PITCHES
from ganzoo.errors import ConfigError

Array = NDArray[np.float64]
COUNTS = {"train": 6_000, "test": 2_400}
RATE, DEFAULT_LENGTH = 16_000, 4_096
OCTAVES = 3
LOWEST = 130.8127826502993
"""Hz of C3. Eight harmonics of the highest tone, B5 at 988 Hz, still fit below half the rate."""
SEMITONE = 1.0594630943592953
"""The twelfth root of two."""
TIMBRES: dict[str, tuple[float, ...]] = {
    "flute": (1.0, 0.25, 0.08),
    "clarinet": (1.0, 0.0, 0.55, 0.0, 0.35, 0.0, 0.2),
    "string": (1.0, 0.6, 0.45, 0.35, 0.28, 0.22, 0.18, 0.15),
    "organ": (1.0, 0.8, 0.0, 0.5, 0.0, 0.0, 0.0, 0.3),
}
"""Amplitudes of the harmonics, the first is the tone itself."""
TABLE_BITS = 15
"""A period is a table of two to the power of this."""
OUT_OF_TUNE = 0.002
"""At most, as a share of the frequency: about 3 cents."""
ATTACK = (0.002, 0.02)
"""Seconds until a tone is loudest: least and most."""
FADING = (0.05, 0.4)
"""Seconds in which it fades to a third: least and most."""
LOUDNESS = (0.4, 0.95)
NOISE = (0.001, 0.01)
"""Largest value of the noise."""
COLUMNS = 7
"""Uniform numbers drawn for each tone."""
CHUNK = 2**21
"""Values that are computed at once."""


def load(request: DataRequest) -> Dataset:
    """Tones: 6,000 to train on or 2,400 to test with, by default 4,096 samples at 16 kHz, about a quarter second.

    Fields: ``images`` float32 [N, 1, L] in [-1, 1]; ``labels``, the pitch classes, C first.
    """
    spec = own_spec("tones")
    check_request(request, spec)
    count, length = COUNTS[request.split], request.length or DEFAULT_LENGTH
    if request.sample_rate not in (None, RATE):
        raise ConfigError(f"sample_rate = {request.sample_rate}: tones are drawn at {RATE:,} Hz; leave it out.")
    if count * length * 4 > request.memory:
        raise ConfigError(f"length = {length}: {count:,} tones of this length do not fit into memory.")
    waves = torch.from_numpy(render(count, length, request.split, request.seed))
    labels = torch.arange(count) % len(PITCHES)
    info = DataInfo(
        name=request.name,
        kind="waves",
        shape=(1, length),
        classes=PITCHES,
        count=count,
        split=request.split,
        digest=digest(waves, labels),
        extra={"sample_rate": RATE},
    )
    return Dataset(info, {"images": waves, "labels": labels})


def render(count: int, length: int, split: str, seed: int) -> NDArray[np.float32]:
    """Tones float32 [count, 1, length] in [-1, 1], whole numbers of 32,768ths; the pitch classes in turn."""
    rng = np.random.PCG64(derived_seed("tones", split, seed))
    uniform = (rng.random_raw(count * COLUMNS) >> np.uint64(11)).astype(np.float64).reshape(count, COLUMNS) * 2.0**-53
    out = np.empty((count, 1, length), dtype=np.float32)
    time = np.arange(length, dtype=np.uint32)
    rows = max(1, CHUNK // length)
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        pitch, u = np.arange(count)[part] % len(PITCHES), uniform[part].T[:, :, None]
        phase = steps(pitch, u[0, :, 0], u[1, :, 0])[:, None] * time
        timbre = (u[2] * len(TIMBRES)).astype(np.int64)
        tone = tables()[timbre, phase >> np.uint32(32 - TABLE_BITS)]
        # Faint noise, four numbers of 16 bits from each drawn one.
        drawn = rng.random_raw(-(-tone.size // 4)).astype("<u8").view("<u2")[: tone.size].reshape(tone.shape)
        noise = (drawn.astype(np.float64) * 2.0**-15 - 1.0) * between(NOISE, u[6])
        tone = tone * envelope(time, between(ATTACK, u[3]), between(FADING, u[4])) * between(LOUDNESS, u[5]) + noise
        out[part, 0] = np.rint(np.clip(tone, -1.0, 1.0) * 32_767.0) * 2.0**-15
    return out


def between(ends: tuple[float, float], uniform: Array) -> Array:
    """Uniform numbers from the first to the second."""
    return ends[0] + uniform * (ends[1] - ends[0])


def whole(share: Array) -> NDArray[np.uint32]:
    """A share of a period, 0 to 1, as a whole number of 32 bits."""
    return np.rint(share * (2.0**32 - 1)).astype(np.uint64).astype(np.uint32)


def steps(pitch: NDArray[np.int64], octave: Array, tune: Array) -> NDArray[np.uint32]:
    """How far the phase goes from one sample to the next."""
    scale = [LOWEST]
    for _ in range(12 * OCTAVES - 1):
        scale.append(scale[-1] * SEMITONE)
    hertz = np.array(scale)[12 * (octave * OCTAVES).astype(np.int64) + pitch]
    return whole(hertz * (1.0 + OUT_OF_TUNE * (2.0 * tune - 1.0)) / RATE)


def envelope(time: NDArray[np.uint32], attack: Array, fading: Array) -> Array:
    """Loudness over time [N, L]: a straight rise, then a product from sample to sample."""
    kept = np.broadcast_to(1.0 - 1.0 / (fading * RATE), (len(fading), len(time)))
    return np.minimum(time / (attack * RATE), 1.0) * np.multiply.accumulate(kept, axis=1)


@cache
def tables() -> Array:
    """A period of each timbre, float64 [timbres, 2^TABLE_BITS], from -1 to 1."""
    size = 2**TABLE_BITS
    # Cosine and sine of a whole turn and of its halves, down to the step of the table.
    halves = [(-1.0, 0.0), (0.0, 1.0)]
    while len(halves) < TABLE_BITS:
        cosine, sine = halves[-1]
        half = float(np.sqrt((1.0 + cosine) / 2.0))
        halves.append((half, sine / (2.0 * half)))
    cosines, sines = np.ones(1), np.zeros(1)
    for cosine, sine in halves[::-1]:  # what is there already, and the same turned further
        turned = cosines * cosine - sines * sine, cosines * sine + sines * cosine
        cosines, sines = np.concatenate([cosines, turned[0]]), np.concatenate([sines, turned[1]])
    place = np.arange(size)
    found = []
    for amplitudes in TIMBRES.values():
        period = np.zeros(size)
        for number, amplitude in enumerate(amplitudes, 1):
            period = period + amplitude * sines[number * place % size]
        found.append(period / np.abs(period).max())
    return np.stack(found)
