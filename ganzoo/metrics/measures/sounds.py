"""Measures of sounds: the Fréchet distance of their spectrograms, and which pitch is heard in them."""

import hashlib

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, pad
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from ganzoo.data.base import Dataset
from ganzoo.data.kinds.waves import SAMPLE_RATE, sample_rate
from ganzoo.data.specs.drawn import PITCHES
from ganzoo.data.spectrograms import log_mel
from ganzoo.errors import DataError, SplitMissingError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.cache import statistics
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.extractors import LARGE_BATCH, Extractor, ExtractorRequest, made, refuse_weights
from ganzoo.metrics.measures.features import FeatureMetric, frechet_distance

BANDS, PARTS, FRAME = 64, 4, 512
"""Of the features: bands of frequencies, parts of time, samples of a window."""
FAINT = -60.0
"""dB below a full-scale sine that count as nothing: what is fainter is hardly heard."""
LOWEST, HIGHEST = 65.4, 1_100.0
"""Hz that a pitch is looked for between: C2, and a little above C6."""
CLEAR = 0.8
"""How alike a sound and itself a period later have to be: 1 is the same, 0 is noise."""
A4 = 440.0
ROWS = 100
"""Sounds whose pitch is looked for at once."""


# How sounds are spread


class Spectrograms(FeatureExtractorBase):
    """Waves [N, C, L] to features [N, 256]: loudness in tens of dB, in 64 mel bands and four parts of time.

    Nothing in it is learned. Bands are those of 16 kHz, whatever the rate: both sides of a comparison have the same.
    """

    def __init__(self) -> None:
        super().__init__("log-mel", ["features"])

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("features",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        mixed = waves.float().mean(1)
        mixed = pad(mixed, (0, max(0, FRAME - mixed.shape[1])))
        loud = log_mel(mixed, SAMPLE_RATE, BANDS, FRAME, FRAME // 4).clamp(min=FAINT)
        return (adaptive_avg_pool1d(loud / 10, PARTS).flatten(1),)


def log_mel_extractor(request: ExtractorRequest) -> Extractor:
    refuse_weights(request)
    said = f"log-mel, {BANDS} bands, {PARTS} parts, windows of {FRAME}, above {FAINT} dB"
    return made(request, network=Spectrograms(), layers=("features",), batch=LARGE_BATCH,
        identity={
            "extractor": "log-mel", "layers": ["features"], "sha256": hashlib.sha256(said.encode()).hexdigest(),
        },
    )  # fmt: skip


class SpectrogramDistance(FeatureMetric):
    """Fréchet distance (arXiv:1706.08500, eq. 6) on spectrograms; ``floor`` is that of as many test sounds, where the
    data has so many."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        extractor = self.opened(context)
        real = context.reference_statistics(extractor)
        found = {"distance": frechet_distance(statistics(self.features(context)["features"]), real)}
        tests = held_out(context, self.spec.count)
        if tests is not None:
            features, _ = context.reference_features(extractor, self.spec.count, "test")
            found["floor"] = frechet_distance(statistics(features), real)
        return found


def held_out(context: EvaluationContext, count: int) -> Dataset | None:
    """The test split, where the data has one of so many samples."""
    try:
        found = context.reference("test")
    except SplitMissingError:
        return None
    return found if len(found.source) >= count else None


# Which pitch is heard


def pitches(waves: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """The pitch of waves [N, L]: (Hz, clearness), both [N].

    By the normalised square difference (McLeod and Wyvill 2005, A smarter way to find pitch): 1 at each lag after which
    a wave repeats itself, whatever its loudness does. The first peak that is nearly as high as the highest is the
    period; the same peak a few periods later says it more exactly.
    """
    waves = waves.double() - waves.double().mean(1, keepdim=True)
    length = waves.shape[1]
    shortest, longest = int(rate / HIGHEST), min(length // 2, int(rate / LOWEST) + 2)
    if longest <= shortest + 1:
        return waves.new_zeros(len(waves)), waves.new_zeros(len(waves))
    alike = similarity(waves)
    part = alike[:, shortest : longest + 1]
    inner = part[:, 1:-1]
    peak = (inner >= part[:, :-2]) & (inner >= part[:, 2:])
    high = inner.where(peak, torch.tensor(-1.0, dtype=inner.dtype))
    best = high.amax(1)
    first = (high >= 0.93 * best[:, None]).to(torch.int8).argmax(1) + shortest + 1
    lag, clear = refined(alike, first.double())
    times = (length // 4 / lag).floor().clamp(min=1)
    far, _ = refined(alike, nearest_peak(alike, (lag * times).round().long()))
    return rate * times / far.clamp(min=1), clear.clamp(0, 1) * (best > 0)


def similarity(waves: Tensor) -> Tensor:
    """The normalised square difference of waves [N, L] at lags 0 to L - 1: [N, L], -1 to 1; 0 for silence."""
    length = waves.shape[1]
    spectrum = torch.fft.rfft(waves, 2 * length)
    product = torch.fft.irfft(spectrum.abs().square())[:, :length]
    squares = waves.square()
    # What overlaps at each lag: the sum of all but the last, and of all but the first samples.
    sums = squares.flip(1).cumsum(1).flip(1)
    energy = sums + squares.cumsum(1).flip(1)
    return torch.where(energy > 1e-9, 2 * product / energy.clamp(min=1e-9), torch.zeros_like(product))


def nearest_peak(alike: Tensor, lag: Tensor) -> Tensor:
    """The highest place within two lags of ``lag`` [N]."""
    around = (lag[:, None] + torch.arange(-2, 3)).clamp(1, alike.shape[1] - 2)
    return around.gather(1, alike.gather(1, around).argmax(1, keepdim=True))[:, 0].double()


def refined(alike: Tensor, lag: Tensor) -> tuple[Tensor, Tensor]:
    """Where the parabola through a peak and its two neighbours is highest, and how high: both [N]."""
    around = lag.long()[:, None] + torch.arange(-1, 2)
    before, at, after = alike.gather(1, around.clamp(0, alike.shape[1] - 1)).unbind(1)
    bend = (before - 2 * at + after).clamp(max=-1e-12)
    shift = (0.5 * (before - after) / bend).clamp(-1, 1)
    return lag + shift, at - 0.25 * (before - after) * shift


def pitch_classes(waves: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """(pitch class 0 to 11, C first; whether it is clear), both [N], of waves [N, C, L]; channels are mixed."""
    found = [pitches(part, rate) for part in waves.float().mean(1).cpu().split(ROWS)]
    hertz, clearness = (torch.cat(each) for each in zip(*found, strict=True))
    above = 12 * (hertz.clamp(min=1) / A4).log2()
    return (above.round().long() + PITCHES.index("A")) % len(PITCHES), clearness >= CLEAR


def real_pitches(context: EvaluationContext, count: int) -> tuple[Tensor, Tensor, Tensor | None, int]:
    """Of test sounds: (pitch class, whether it is clear, label or None, sample rate), at most ``count`` of them.

    Where there is no test split it is the sounds that were trained on.
    """
    real = held_out(context, 1) or context.reference()

    def compute() -> tuple[Tensor, Tensor, Tensor | None, int]:
        some = torch.arange(min(count, len(real.source)))
        rate = sample_rate(real.info)
        labels = None if real.labels is None else real.labels[some].cpu()
        return *pitch_classes(real.source.fetch(some), rate), labels, rate

    return context.of_reference(("pitches", count), compute)


class ClearPitch(Metric):
    """Share of sounds in which a pitch is heard, beside that of real ones. One tone over and over has a clear pitch
    too: this is a sign, and a distance says more."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        _, real_clear, _, rate = real_pitches(context, self.spec.count)
        _, clear = own_pitches(context, self.spec.count, rate)
        return {"share": float(clear.double().mean()), "of real ones": float(real_clear.double().mean())}


def own_pitches(context: EvaluationContext, count: int, rate: int) -> tuple[Tensor, Tensor]:
    """(pitch class, whether it is clear) of the target's samples."""
    samples = context.samples(count)  # written down even when pitches are there already
    return context.shared(
        ("pitches", count), lambda: pitch_classes(torch.cat(list(samples)), rate)
    )  # fmt: skip


class PitchAccuracy(Metric):
    """Share of sounds whose pitch class is clear, and is the one that was asked for; beside it the same of real ones.

    Octaves are left out of account, and so are tones that are less than half a semitone out of tune.
    """

    def unsuitable(self, context: EvaluationContext) -> str:
        if not context.target.classes:
            return f"{context.target.name} takes no labels, so there is no pitch to ask for"
        return super().unsuitable(context)

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        self.numbers(context)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        asked, numbers = context.labels(self.spec.count), self.numbers(context)
        assert asked is not None, "unsuitable() says so"
        true, true_clear, labels, rate = real_pitches(context, self.spec.count)
        assert labels is not None, "the training split has labels"
        found, clear = own_pitches(context, self.spec.count, rate)
        return {
            "accuracy": float(((found == numbers[asked]) & clear).double().mean()),
            "of real ones": float(((true == numbers[labels]) & true_clear).double().mean()),
            "clear": float(clear.double().mean()),
        }

    def numbers(self, context: EvaluationContext) -> Tensor:
        """The pitch class, 0 to 11, of each class of the data.

        Raises:
            DataError: the classes are no pitches.
        """
        names = context.labelled_reference(self.spec.name).info.classes
        if unknown := [name for name in names if name not in PITCHES]:
            raise DataError(
                f"{self.spec.name}: class {unknown[0]!r} of {context.against!r} is no pitch; pitches are "
                f"{', '.join(PITCHES)}."
            )
        return torch.tensor([PITCHES.index(name) for name in names])
