"""``ganzoo check`` finds each way to break the contract, and says what is wrong in one line."""

import re

import pytest

from ganzoo.errors import ConfigError, PluginError
from ganzoo.testing import check_variant

from ..commands.conftest import Invoke, invoke  # noqa: F401  # the command line in this process

D, G = r"update 'discriminator' of stage 'adversarial'", r"update 'generator' of stage 'adversarial'"
FOUND = {
    "IgnoredLabels": r"samples of role 'generator' depend on their condition \(labels\)",
    "IgnoredCondition": r"the logits of 'discriminator' depend on 'labels'",
    "UnitRange": r"images of role 'generator' are within \[-1, 1\]: its values are never negative",
    "WideRange": r"images of role 'generator' are within \[-1, 1\]: its values reach [12]",
    "HiddenDevice": rf"the loss of {D} mixes devices in \w+\(\): a tensor made at losses.py:\d+",
    "ThroughTheCpu": rf"the loss of {G} moves what it differentiates to the CPU at losses.py:\d+",
    "LooseTensor": rf"the loss of {D} mixes devices .* in attribute 'mean' of network 'discriminator'.* not a buffer",
    "HostBatch": r"its batch\(\) field 'noise' lies on the CPU",
    "HostLatents": r"sampling of role 'generator' latents\(\) lies on the CPU|mixes devices .* networks.py",
    "LateTouch": rf"{D} moves parameters of 'discriminator' alone; it moves 'head.bias' of network 'generator'",
    "TouchedBuffer": rf"{D} leaves buffers of other players alone; it changes 'seen' of network 'generator'",
    "LatePool": r"resumed at step \d+ equals an unbroken one, bit for bit, in its weights",
    "LoggedCounter": r"resumed at step \d+ equals an unbroken one, bit for bit, in its history: 'count' at step",
    "UnusedLayer": r"training moves 'spare.weight' of network 'discriminator'.*no loss reaches it",
    "ZeroGradient": r"training moves 'spare.weight' of network 'generator'.*its gradient is always zero",
    "ForgottenNetwork": r"a player trains 'weight' of network 'spare'",
    "WrongGenerator": r"update 'generator' of stage 'adversarial' has the right sign",
    "WrongDiscriminator": r"update 'discriminator' of stage 'adversarial' has the right sign",
    "OneWay": r"'discriminator' of stage .* real and of generated samples of 'discriminator' the same way",
    "ChangedBatch": rf"the loss of {D} leaves field 'images' of the batch as it is",
    "RawExport": r"role 'generator' exports the average of network 'generator'",
    "StillAverage": r"the average of network 'generator' follows its training",
    "HiddenList": r"attribute 'more' of network 'generator' hides some",
    "HiddenAttribute": r"attribute 'extra' of the variant hides some",
    "ShortReach": r"a pixel of 'generator' sees 0 pixels far, its reach: it sees 1",
    "WrongScale": r"'generator' has scale 1: 16 pixels become 16, not 32",
    "WideTranslator": r"what 'generator' gives is within \[-1, 1\]: its values reach 3",
    "UnitTranslator": r"what 'generator' gives is within \[-1, 1\]: its values are never negative",
    "RaisesInLoss": rf"the loss of {G} raised KeyError: 'sketch' at errors.py:\d+, in generator_loss",
    "RaisesInInit": r"setting it up raised AttributeError: .*'depth' at errors.py:\d+, in __init__",
    "RaisesInNetworks": r"building its networks raised ZeroDivisionError: no layers at errors.py:\d+, in networks",
    "RaisesInSample": r"sampling of role 'generator' raised KeyError: 'style' at errors.py:\d+, in generate",
}


def check(name: str) -> None:
    from ganzoo_broken import registered

    check_variant(registered(name))


@pytest.mark.parametrize("name", ["Sound", "SoundPainter"])
def test_what_is_sound_passes(name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", FOUND)
def test_what_is_broken_is_found(name: str) -> None:
    with pytest.raises(PluginError) as caught:
        check(name)
    said = str(caught.value)
    assert re.search(FOUND[name], said), said
    assert said.startswith("contract not met: ")
    assert "\n" not in said


def test_every_broken_variant_is_tried() -> None:
    from ganzoo_broken import MODULES

    names = {name for names in MODULES.values() for name in names}
    assert names == {*FOUND, "Sound", "SoundPainter", "WrongSettings"}


def test_wrong_settings_stay_wrong_settings() -> None:
    with pytest.raises(ConfigError, match=r"width = 3 is odd"):
        check("WrongSettings")


def test_the_command_line_says_it_in_a_line(invoke: Invoke) -> None:  # noqa: F811  # the fixture
    said = invoke("check", "broken-raises-in-loss", code=1)
    assert "raised KeyError: 'sketch'" in said.err
    assert "Traceback" not in said.err
