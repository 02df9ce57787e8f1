"""A plugin of variants that break the contract, each in one way, and of the sound ones that they derive from."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl

MODULES = {
    "base": ("Sound", "SoundPainter"),
    "networks": (
        "IgnoredLabels", "IgnoredCondition", "UnitRange", "WideRange", "HiddenList", "HiddenAttribute", "UnusedLayer",
        "ZeroGradient", "LooseTensor", "HostLatents",
    ),
    "losses": (
        "HiddenDevice", "ThroughTheCpu", "LateTouch", "TouchedBuffer", "HostBatch", "ChangedBatch", "WrongGenerator",
        "WrongDiscriminator", "OneWay", "ForgottenNetwork", "LatePool", "LoggedCounter",
    ),
    "exports": ("RawExport", "StillAverage", "ShortReach", "WrongScale", "WideTranslator", "UnitTranslator"),
    "errors": ("RaisesInLoss", "RaisesInInit", "RaisesInNetworks", "RaisesInSample", "WrongSettings"),
}  # fmt: skip


def registered(name: str) -> str:
    """The name of the variant of a class: ``IgnoredLabels`` is ``broken-ignored-labels``."""
    return "broken" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(name=registered(name), load=f"ganzoo_broken.{module}:{name}", summary="broken on purpose")
        for module, names in MODULES.items()
        for name in names
    ]
