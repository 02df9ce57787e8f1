"""Real and generated samples judged in one pass: the same losses and gradients, and only where that is sound."""

from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import PluginError
from ganzoo.models.interfaces import Discriminator
from ganzoo.testing import check_variant
from ganzoo.training.loop import TrainingLoop, new_state

CASES: list[tuple[str, dict[str, Any]]] = [
    ("vanilla", {"dropout": 0.0}),
    ("vanilla", {"dropout": 0.0, "r1": 1.0, "gradient_penalty": 1.0}),
    ("cgan", {"d_norm": "none"}),
    ("wgan-gp", {}),
]


@pytest.mark.parametrize(("name", "more"), CASES)
def test_one_pass_gives_what_two_give(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    settings = {"width": 8, "batch_size": 8, "device": "cpu", **more}
    job = ganzoo.prepare(name, "glyphs", out=tmp_path / "x", settings=settings)
    found = []
    for independent in (True, False):
        state = new_state(job.variant, job.device)
        network = state.networks["discriminator"]
        assert isinstance(network, Discriminator)
        assert network.independent
        network.independent = independent
        nothing: Any = None
        batch = TrainingLoop(job.variant, state, job.dataset, nothing, nothing, job.device).trainer.next_batch()
        torch.manual_seed(0)
        losses = job.variant.discriminator_loss(state, batch)
        losses["total"].backward()
        found.append((losses, [p.grad for p in network.parameters()]))
    (one, gradients), (two, expected) = found
    for key in one:
        torch.testing.assert_close(one[key], two[key])
    for a, b in zip(gradients, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ("name", "more"), [("dcgan", {}), ("cgan", {}), ("wgan", {}), ("vanilla", {"minibatch_std": True})]
)
def test_networks_that_look_across_samples_say_so(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    settings = {"width": 8, "batch_size": 8, "device": "cpu", **more}
    network = ganzoo.prepare(name, "glyphs", out=tmp_path / "x", settings=settings).variant.build()["discriminator"]
    assert isinstance(network, Discriminator)
    assert not network.independent


def test_a_network_that_claims_too_much_does_not_keep_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo_zoo.networks import ConvDiscriminator

    made = ConvDiscriminator.__init__

    def claim(self: Any, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **more)
        self.independent = True

    monkeypatch.setattr(ConvDiscriminator, "__init__", claim)
    with pytest.raises(PluginError, match="no sample influences the logit of another one"):
        check_variant("dcgan", settings={"width": 8})
