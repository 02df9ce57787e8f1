"""Every setting of the tricks, with every registered variant: it is used, or refused with a reason; never ignored."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.config.settings import Tricks
from ganzoo.data.needs import embedded_set
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.registry.registry import OWN_DISTRIBUTION, registry
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.training.checks import DETAILS, check_tricks
from ganzoo.training.loop import new_state
from ganzoo.training.setup import prepare

from ..test_variants import small
from ..training.helpers import TINY, assert_same, history, state_of, train

VALUES: dict[str, Any] = {
    "label_smoothing": 0.1, "label_flipping": 0.4, "instance_noise": 0.5, "diffaugment": "color,translation,cutout",
    "d_steps": 2, "g_steps": 2, "train_d_above": 1e9, "train_g_above": 1e9, "feature_matching": "instead",
    "minibatch_kernels": 3, "minibatch_std": True, "spectral_norm": True, "r1": 5.0, "r2": 5.0,
    "gradient_penalty": 3.0, "dragan": 3.0, "drift": 3.0, "diffusion": 0.6, "path_length": 2.0,
    "clip_grad_norm": 1e-3, "lr_schedule": "cosine", "lr_warmup": 2, "one_stage": True,
}  # fmt: skip
"""A value of each that must change what is computed."""

SLOPES = {"r1", "r2", "gradient_penalty", "dragan"}
SCHEDULED = {
    "d_steps", "g_steps", "train_d_above", "train_g_above", "clip_grad_norm", "lr_schedule", "lr_warmup",
}  # fmt: skip
ALTERNATING = set(VALUES) - {"one_stage"}
"""Most have batch normalisation in D, a loss that is flat somewhere, or losses of their own: G needs its own pass."""
ACCEPTED = {
    "vanilla": set(VALUES),
    "dcgan": set(ALTERNATING) - SLOPES,
    "cgan": set(ALTERNATING) - SLOPES,
    "wgan": set(ALTERNATING) - {
        "label_smoothing", "label_flipping", "d_steps", "train_d_above", "train_g_above", "spectral_norm", *SLOPES,
    },
    "wavegan": set(VALUES) - {
        "label_smoothing", "label_flipping", "d_steps", "train_d_above", "train_g_above", "diffaugment",
    },
    "wgan-gp": set(VALUES) - {"label_smoothing", "label_flipping", "d_steps", "train_d_above", "train_g_above"},
    "srgan": set(ALTERNATING) - {"feature_matching", "path_length", *SLOPES},
    "sgan": {
        "path_length", "diffaugment", "d_steps", "g_steps", "train_d_above", "train_g_above", "clip_grad_norm",
        "lr_schedule", "lr_warmup",
    },
    "catgan": {
        "path_length", "diffaugment", "d_steps", "g_steps", "train_d_above", "train_g_above", "clip_grad_norm",
        "lr_schedule", "lr_warmup",
    },
    "sngan": set(ALTERNATING) - {"label_smoothing", "label_flipping"},
    "projection": set(ALTERNATING) - {"label_smoothing", "label_flipping"},
    "acgan": set(ALTERNATING) - {"minibatch_kernels", "minibatch_std", *SLOPES},
    "logan": set(ALTERNATING) - {
        "label_smoothing", "label_flipping", "minibatch_kernels", "minibatch_std", "train_d_above", "train_g_above",
    },
    "ebgan": {"path_length", "instance_noise", "diffaugment", "spectral_norm", *SCHEDULED},
    "began": {"path_length", "instance_noise", "diffaugment", "spectral_norm", *SCHEDULED},
    "stylegan2": set(ALTERNATING) - {"feature_matching", "minibatch_kernels", "minibatch_std"},
    "diffusion-gan": set(ALTERNATING) - {"feature_matching", "minibatch_kernels", "minibatch_std"},
    "progan": set(ALTERNATING) - {
        "label_smoothing", "label_flipping", "train_d_above", "train_g_above",
    },
    "lapgan": set(ALTERNATING) - {"diffaugment"},
    "bigan": {
        "path_length", "instance_noise", "diffaugment", "spectral_norm", "minibatch_kernels", "minibatch_std",
        *SCHEDULED,
    },
    "vaegan": {
        "path_length", "instance_noise", "diffaugment", "spectral_norm", "minibatch_kernels", "minibatch_std",
        *SCHEDULED,
    },
    "anogan": set(ALTERNATING) - SLOPES,
    "f-anogan": set(VALUES) - {"label_smoothing", "label_flipping", "train_d_above", "train_g_above"},
    "3dgan": set(ALTERNATING) - {"diffaugment", *SLOPES},
    "infogan": set(ALTERNATING) - {"minibatch_kernels", "minibatch_std", *SLOPES},
    "icgan": set(ALTERNATING) - SLOPES,
    "text2image": set(ALTERNATING) - SLOPES,
    "stackgan": set(ALTERNATING) - {
        "instance_noise", "path_length", "d_steps", "g_steps", "train_d_above", "train_g_above", *SLOPES,
    },
    "r3gan": set(ALTERNATING) - {  # its penalties compare what D says of two samples that differ by little
        "diffaugment", "diffusion", "instance_noise",
        "label_smoothing", "label_flipping", "feature_matching",
    },
    "pix2pix": set(ALTERNATING) - {"path_length", "diffaugment", "minibatch_kernels", *SLOPES},
    "cyclegan": set(ALTERNATING) - {"minibatch_kernels", "path_length"},
    "cogan": set(ALTERNATING) - SLOPES,
    "inpainting": set(ALTERNATING) - {"minibatch_kernels", "path_length", *SLOPES},
    "crnngan": {
        "path_length", "label_smoothing", "label_flipping", "instance_noise", "feature_matching", "drift", *SCHEDULED,
    },
}  # fmt: skip
"""What each must not refuse, with its default networks on images, or on the kind of samples that it has."""


def settings(name: str, **more: Any) -> dict[str, Any]:
    of_images = {"images", "voxels"} & {*registry().variants.spec(name).models}
    shape: dict[str, Any] = {"resolution": 32 if name in ("srgan", "stackgan") else 16} if of_images else {}
    if registry().variants.spec(name).models == ("waves",):
        shape = {"length": 64}
    phases: dict[str, Any] = {"srgan": {"pretrain_steps": 1}, "crnngan": {"pretrain_share": 0.25}}.get(name, {})
    critic = {"n_critic": 2} if name.startswith("wgan") else {}
    steps = 12 if name in ("progan", "stackgan") else 4  # they have stages
    return {**TINY, "steps": steps, "log_every": 1, "width": 4, **shape, **phases, **critic, **small(name, 4), **more}


@pytest.fixture(scope="module")
def plain_weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, torch.Tensor]]:
    """Weights of each variant trained without any tricks, made when they are requested."""
    return {}


def test_there_is_a_value_of_every_setting_and_a_word_on_every_variant_of_ours() -> None:
    zoo = registry().variants
    assert {name for name in zoo.names() if OWN_DISTRIBUTION in zoo.provider(name)} == ACCEPTED.keys()
    assert set(VALUES) == {f.name for f in fields(Tricks)} - set(DETAILS)


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_setting_is_taken_or_refused_with_a_reason(name: str, tmp_path: Path) -> None:
    """Before anything is trained: what a variant declares, and its networks, tell."""
    for key, value in VALUES.items():
        refused = ""
        try:
            more = settings(name, **{key: value, "metrics": ""})
            spec = registry().variants.spec(name)
            pairs = spec.family == "translation" or {"attributes", "text"} & {*spec.needs}
            dataset = "shapes" if pairs else embedded_set(spec)
            job = prepare(name, dataset, out=tmp_path / "run", settings=more)
            new_state(job.variant, job.device)
        except ConfigError as error:
            refused = str(error)
        assert bool(refused) == (key not in ACCEPTED[name]), f"{key}: {refused or 'taken'}"
        if refused:
            assert key in refused
            assert len(refused) > len(key) + 40, "a reason is given"


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("name", ["vanilla", "sgan"])
def test_every_setting_that_is_taken_is_used(
    name: str, key: str, tmp_path: Path, plain_weights: dict[str, dict[str, torch.Tensor]]
) -> None:
    if key not in ACCEPTED[name]:
        return
    run = ganzoo.train(name, "glyphs", out=tmp_path / "run", **settings(name, **{key: VALUES[key], "metrics": ""}))
    if name not in plain_weights:
        plain = ganzoo.train(name, "glyphs", out=tmp_path / "plain", **settings(name, metrics=""))
        plain_weights[name] = read_tensors(plain.latest())[0]
    found = read_tensors(run.latest())[0]
    # Of G, because what is added to D gives its parameters other names: that is not a sign yet that it is used.
    before = {k: v for k, v in plain_weights[name].items() if k.startswith("networks/generator/")}
    assert before
    assert any(not torch.equal(found[k], v) for k, v in before.items()), f"{key} changed nothing of G"


REFUSED = {
    "no targets": ("wgan-gp", {"label_smoothing": 0.1}, "no targets for real and generated samples"),
    "hinge has none": ("vanilla", {"label_flipping": 0.1, "loss": "hinge"}, "no targets for real and generated"),
    "a difference": ("wgan-gp", {"train_d_above": 0.1}, "is a difference, it has no level"),
    "batch norm": ("dcgan", {"r1": 1.0}, "makes a sample's slope depend on the others"),
    "own classifier": ("sgan", {"spectral_norm": True}, "makes no sense for variant 'sgan'"),
    "fades to nothing": ("vanilla", {"instance_noise_images": 100}, "without instance_noise does nothing"),
    "nothing to augment with": ("vanilla", {"ada": 0.6}, "ada = 0.6 without diffaugment has nothing"),
    "nothing to adapt": ("vanilla", {"ada_images": 100, "diffaugment": "color"}, "without ada does nothing"),
    "own losses": ("sgan", {"ada": 0.6, "diffaugment": "color"}, "has no effect on variant 'sgan'"),
    "nothing to be lazy with": ("vanilla", {"penalty_every": 4}, "penalty_every = 4 without r1 or r2"),
    "nothing to estimate": ("vanilla", {"penalty_slope": "difference", "dragan": 1.0}, "without r1 or r2"),
    "two augmentations": (
        "vanilla",
        {"penalty_slope": "difference", "r1": 1.0, "diffaugment": "color"},
        "changed at random in another way",
    ),
    "rounded differences": (
        "vanilla",
        {"penalty_slope": "difference", "r1": 1.0, "dropout": 0.0, "precision": "bf16"},
        "rounding is as large",
    ),
    "two masks": ("vanilla", {"penalty_slope": "difference", "r1": 1.0}, "has dropout"),
    "no path": ("vanilla", {"path_every": 2}, "path_every = 2 without path_length does nothing"),
    "no such step": ("wgan", {"penalty_every": 4, "r1": 1.0}, "has batch normalisation|has no effect"),
    "range": ("vanilla", {"label_smoothing": 0.5}, "must be at least 0.0? ?and below 0.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_before_anything_is_written(case: str, tmp_path: Path) -> None:
    name, more, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        ganzoo.train(name, "glyphs", out=tmp_path / "run", **settings(name, **more))
    assert not (tmp_path / "run").exists()


def test_an_unknown_policy_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cutout'"):
        ganzoo.train("vanilla", "glyphs", out=tmp_path / "run", **settings("vanilla", diffaugment="cutot"))


def test_points_are_not_augmented(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="diffaugment = 'cutout' is for images"):
        train(tmp_path / "x", 1, "vanilla", dataset="ring", diffaugment="cutout")


def test_a_variant_that_computes_its_own_losses_may_not_ignore_a_setting(tmp_path: Path) -> None:
    """Were it ignored in silence, a user would believe in a smoothing that never was."""
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 2, "label_smoothing": 0.1})

    class Own(type(job.variant)):  # type: ignore[misc]  # a class made at run time
        def discriminator_loss(self, state: Any, batch: Any) -> Any:
            logits = self.discriminate(state, batch["images"], batch)
            return {"total": (logits - 1).square().mean()}

    own = Own(job.config, job.dataset.info, job.variant.loss)
    with pytest.raises(ConfigError, match=r"label_smoothing = 0.1 has no effect on variant 'vanilla'"):
        check_tricks(own)


@pytest.mark.parametrize(
    "more",
    [
        {"lr_schedule": "cosine", "lr_warmup": 2, "instance_noise": 0.3},
        {"lr_schedule": "step", "spectral_norm": True, "label_flipping": 0.2},
        {"d_steps": 3, "g_steps": 2, "minibatch_kernels": 2, "diffaugment": "translation"},
    ],
)
def test_resume_is_exact_with_tricks(more: dict[str, Any], tmp_path: Path) -> None:
    """Cut by an interrupt, because schedules follow the length of the training."""
    from ..training.helpers import StopAt

    common = {**settings("cgan"), **more, "log_every": 2, "checkpoint_every": 100}
    whole = ganzoo.train("cgan", "glyphs", out=tmp_path / "whole", **{**common, "steps": 9})
    listener = StopAt(4)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(ganzoo.errors.Interrupted):
            ganzoo.train("cgan", "glyphs", out=tmp_path / "cut", **{**common, "steps": 9})
    finally:
        registry().detach(listener)
    resumed = ganzoo.train(out=tmp_path / "cut", resume=True)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)


def test_a_run_whose_schedule_follows_its_length_is_not_made_longer(tmp_path: Path) -> None:
    train(tmp_path / "x", 4, "vanilla", dataset="ring", lr_schedule="linear")
    with pytest.raises(ConfigError, match=r"was laid out for 4 steps, and its lr_schedule follows that length"):
        ganzoo.train(out=tmp_path / "x", resume=True, steps=8)


def test_settings_are_in_a_table_of_their_own_and_repeat_the_run(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3, "vanilla", dataset="ring", label_smoothing=0.1, minibatch_std=True)
    text = (run.path / "config.toml").read_text()
    assert "[tricks]" in text
    assert "label_smoothing = 0.1" in text.split("[tricks]")[1]
    again = ganzoo.train(config=run.path / "config.toml", out=tmp_path / "y")
    assert_same(state_of(run), state_of(again))


def test_a_setting_that_only_g_uses_is_not_missed_before_g_has_moved(tmp_path: Path) -> None:
    run = ganzoo.train(
        "wgan-gp", "ring", out=tmp_path / "x", **{**TINY, "steps": 5, "width": 4}, feature_matching="beside"
    )
    assert history(run)[-1]["feature_matching"] >= 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"minibatch_dim": 9}, "minibatch_dim = 9 without minibatch_kernels does nothing"),
        ({"lr_decay_start": 0.1}, "lr_decay_start = 0.1 does nothing with lr_schedule = 'constant'"),
    ],
)
def test_a_detail_of_a_setting_that_is_off_is_refused(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        train(tmp_path / "x", 1, "vanilla", dataset="ring", **more)


def test_a_setting_of_g_alone_survives_a_resume(tmp_path: Path) -> None:
    """After a resume the generator may not step for some iterations: that is not a sign of a setting left out."""
    common = {**TINY, "width": 4, "feature_matching": "beside", "n_critic": 5}
    ganzoo.train("wgan-gp", "ring", out=tmp_path / "x", steps=6, **common)
    assert ganzoo.train(out=tmp_path / "x", resume=True, steps=13).status == "finished"


def test_a_phase_without_a_discriminator_has_no_steps_to_share(tmp_path: Path) -> None:
    run = ganzoo.train("srgan", "glyphs", out=tmp_path / "x", **settings("srgan", d_steps=3, steps=5, pretrain_steps=3))
    moved = [r["step"] for r in history(run) if "generator_loss" in r]
    assert moved == [1, 2, 3], "in phase two G steps in every third iteration, of which there are two"


@pytest.mark.parametrize("name", ["wgan-gp", "vanilla"])
def test_a_gradient_penalty_works_in_bf16(name: str, tmp_path: Path) -> None:
    more = {"precision": "bf16", "gradient_penalty": 10.0}
    run = ganzoo.train(name, "glyphs", out=tmp_path / "x", **settings(name, **more))
    assert history(run)[-1]["gradient_penalty"] > 0


def test_adaptive_augmentation_is_part_of_the_state(tmp_path: Path) -> None:
    """Its probability moves, is shown, and resumes exactly."""
    more = {"ada": 0.01, "ada_images": 200, "diffaugment": "color", "metrics": "", "checkpoint_every": 4, "lr": 0.02}
    whole = ganzoo.train("vanilla", "glyphs", out=tmp_path / "a", **settings("vanilla", **{**more, "steps": 8}))
    ganzoo.train("vanilla", "glyphs", out=tmp_path / "b", **settings("vanilla", **{**more, "steps": 4}))
    parts = ganzoo.train(out=tmp_path / "b", resume=True, steps=8)
    assert_same(state_of(whole), state_of(parts))
    assert "memory/ada.probability" in state_of(whole)
    shown = [line["ada_probability"] for line in history(whole)]
    assert len(set(shown)) > 1
    assert max(shown) > 0
