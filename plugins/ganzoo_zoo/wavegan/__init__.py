"""WaveGAN, arXiv:1802.04208: short sounds, drawn as waves."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="wavegan",
            load="ganzoo_zoo.wavegan.variant:WaveGAN",
            summary="draws short sounds as waves: tones, drums",
            paper="arXiv:1802.04208",
            family="sound",
            models=("waves",),
            metrics=("fd-spectrogram-2k", "pitch-accuracy-2k"),
        )
    ]
