"""crnngan: writing note by note, deciding at each note, pretraining, freezing of D, and what sets tunes apart."""

import copy
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import ConfigError, DataError, UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo_zoo.crnngan import metric
from ganzoo_zoo.crnngan.networks import Cell, Mood, NoteDiscriminator, NoteGenerator, encoded, gumbel
from ganzoo_zoo.crnngan.variant import CRNNGAN, FreezingTrainer

ALPHABET = {"length": [0.5, 1.0], "pitch": [60.0, 62.0, 64.0], "intensity": [72.0], "gap": [0.0, 0.5, 1.0]}
SMALL: dict[str, Any] = {"width": 8, "layers": 1, "first_length": 2, "batch_size": 4, "device": "cpu", "metrics": ""}


def info(length: int = 5) -> DataInfo:
    return DataInfo("notes", "sequences", (length, 4), extra={"notes": ALPHABET, "tempo": 120})


def made(data: DataInfo | None = None, **options: Any) -> tuple[CRNNGAN, State]:
    torch.manual_seed(0)
    kind = load_variant("crnngan")
    own = {"width": 8, "layers": 2, "first_length": 2, **options}
    config = resolve("crnngan", kind.Options, {"dataset": "x"}, kind.defaults, own)
    variant = kind(config, data or info(), make_loss(kind, config))
    assert isinstance(variant, CRNNGAN)
    return variant, State(variant.build(), {}, {}, variant.memory())


def tunes(count: int = 6, length: int = 5) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    columns = [torch.tensor(v)[torch.randint(len(v), (count, length), generator=rng)] for v in ALPHABET.values()]
    return torch.stack(columns, 2)


def batch_of(variant: CRNNGAN) -> dict[str, Tensor]:
    return {"images": encoded(tunes(), ALPHABET, variant.choices)}


def test_a_cell_is_an_lstm_that_remembers_from_the_start() -> None:
    torch.manual_seed(0)
    own, reference = Cell(3, 4), torch.nn.LSTMCell(3, 4)
    own_gates = torch.cat([own.gates.weight, own.gates.bias[:, None]], 1).detach()
    assert float(own_gates[4:8, -1].min()) > 1 - 7**-0.5, "open"
    into, keep, out, new = own_gates.split(4)  # torch has them in another order
    with torch.no_grad():
        for values, at in ((into, 0), (keep, 4), (new, 8), (out, 12)):
            reference.weight_ih[at : at + 4], reference.weight_hh[at : at + 4] = values[:, :3], values[:, 3:-1]
            reference.bias_ih[at : at + 4], reference.bias_hh[at : at + 4] = values[:, -1], 0
    inputs, state = torch.randn(2, 3), (torch.randn(2, 4), torch.randn(2, 4))
    for found, expected in zip(own((inputs,), state), reference(inputs, state), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("choices", [True, False])
def test_what_networks_see_can_be_turned_back_into_notes(choices: bool) -> None:
    notes = tunes()
    features = encoded(notes, ALPHABET, choices)
    generator = NoteGenerator(5, 8, 1, ALPHABET, choices)
    assert features.shape == (6, 5, 12 if choices else 4)
    torch.testing.assert_close(generator.decoded(features), notes)
    if choices:
        assert features.sum(2).unique().tolist() == [4.0]
        torch.testing.assert_close(encoded(notes + 0.2, ALPHABET, True), features)
    else:
        assert features[..., 1].unique().tolist() == [-1.0, 0.0, 1.0]


def test_notes_are_chosen_as_often_as_their_scores_say() -> None:
    torch.manual_seed(0)
    generator = NoteGenerator(1, 8, 1, ALPHABET, True)
    shares = torch.tensor([[0.1, 0.9, 0.5], [0.2, 0.5, 0.3], [1.0, 0.7, 0.4], [0.6, 0.3, 0.1]])
    with torch.no_grad():
        generator.exit.weight.zero_()
        generator.exit.bias.copy_(shares.log().flatten())
    found = generator.written(generator.latents(20_000)).mean((0, 1)).view(4, 3)
    # Of lengths there are two, and of intensities one: the other places are closed.
    expected = torch.tensor([[0.1, 0.9, 0.0], [0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.6, 0.3, 0.1]])
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def test_each_note_depends_on_those_before_it_and_on_none_after() -> None:
    torch.manual_seed(0)
    generator = NoteGenerator(5, 8, 2, ALPHABET, False)
    latents = torch.randn(3, generator.latent_dim)
    changed = latents.clone()
    changed[:, 2 * 4 : 3 * 4] += 5  # the third note's random numbers
    differs = (generator(latents) - generator(changed)).abs().amax((0, 2)) > 1e-6
    assert differs.tolist() == [False, False, True, True, True]


def test_a_choice_lets_gradients_through_to_every_part_of_g() -> None:
    torch.manual_seed(0)
    generator = NoteGenerator(5, 8, 2, ALPHABET, True)
    written = generator.written(generator.latents(4))
    (written * torch.randn_like(written)).sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_without_chance_the_likeliest_note_is_taken() -> None:
    torch.manual_seed(0)
    generator = NoteGenerator(5, 8, 1, ALPHABET, True)
    latents = torch.randn(4, generator.latent_dim)
    parts = latents.reshape(4, 5, -1).clone()
    parts[..., 4:] = parts[..., 4:].flip(0)  # other choices, the same random numbers
    calm = Mood(temperature=0)
    assert torch.equal(generator.generate(latents, None, calm), generator.generate(parts.flatten(1), None, calm))
    assert not torch.equal(generator(latents), generator(parts.flatten(1)))
    with pytest.raises(UsageError, match="temperature"):
        generator.sample(2, temperature=-1)


def test_the_decision_on_a_tune_is_the_mean_of_those_on_its_notes() -> None:
    torch.manual_seed(0)
    judge = NoteDiscriminator(12, 8, 2)
    samples = encoded(tunes(), ALPHABET, True)
    each = judge.head(judge.body(samples)[0]).sigmoid()
    torch.testing.assert_close(judge(samples).sigmoid(), each.mean((1, 2)))
    with torch.no_grad():
        judge.head.bias.fill_(200)
        assert bool(judge(samples).isfinite().all())


def test_it_reads_both_ways() -> None:
    torch.manual_seed(0)
    judge, samples = NoteDiscriminator(12, 8, 1), encoded(tunes(), ALPHABET, True)
    outputs = judge.body(samples)[0]
    last_changed = samples.clone()
    last_changed[:, -1] = last_changed[:, -1].flip(1)
    assert not torch.allclose(judge.body(last_changed)[0][:, 0], outputs[:, 0])


@pytest.mark.parametrize("kind", ["choices", "numbers"])
def test_pretraining_is_the_likelihood_of_the_next_note(kind: str) -> None:
    variant, state = made(notes=kind)
    state.stage_step, state.stage_steps = 9, 10  # all of a tune
    batch, generator = batch_of(variant), state.networks["generator"]
    assert isinstance(generator, NoteGenerator)
    torch.manual_seed(3)
    found = variant.pretraining_loss(state, batch)
    torch.manual_seed(3)
    notes = batch["images"]
    noise, states, before, rows = torch.randn(6, 5, 4), generator.start(notes), torch.zeros_like(notes[:, 0]), []
    for i in range(5):
        rows.append(generator.step(noise[:, i], before, states))
        before = notes[:, i]
    scores = torch.stack(rows, 1)
    if kind == "numbers":
        expected = (scores - notes).square().mean()
    else:
        expected = torch.zeros(())
        for column, values in enumerate(ALPHABET.values()):
            part = slice(3 * column, 3 * column + len(values))
            expected = expected + cross_entropy(scores[..., part].flatten(0, 1), notes[..., part].argmax(2).flatten())
    torch.testing.assert_close(found["total"], expected)


def test_tunes_are_short_at_first_and_whole_from_half_of_pretraining_on() -> None:
    variant, state = made()
    assert [variant.length_at(p) for p in (0.0, 0.25, 0.5, 1.0)] == [2, 4, 5, 5]
    seen: list[int] = []
    generator = state.networks["generator"]
    assert isinstance(generator, NoteGenerator)
    generator.exit.register_forward_hook(lambda *_: seen.append(1))
    variant.pretraining_loss(state, batch_of(variant))
    assert len(seen) == 2


@pytest.mark.parametrize(("share", "expected"), [(0.5, ["pretraining", "adversarial"]), (0.0, ["adversarial"])])
def test_pretraining_comes_first(share: float, expected: list[str]) -> None:
    variant, _ = made(pretrain_share=share, steps=9)
    stages = variant.stages()
    assert [stage.name for stage in stages] == expected
    assert sum(stage.steps for stage in stages) == 9
    assert stages[-1].steps == (5 if share else 9)


def test_the_game_begins_with_the_average_of_g() -> None:
    variant, state = made()
    average = copy.deepcopy(state.networks["generator"])
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.add_(0.1)
    state.ema["generator"] = average
    begin = variant.stages()[-1].begin
    assert begin is not None
    begin(state)
    found = state.networks["generator"].state_dict()
    assert all(torch.equal(found[key], value) for key, value in average.state_dict().items())


def test_d_stands_still_while_its_loss_is_below_the_share_of_gs() -> None:
    variant, state = made(freeze_below=0.7)
    for total, adversarial, frozen in ((0.69, 1.0, 1.0), (0.71, 1.0, 0.0)):
        variant.compare(state, {"total": torch.tensor(total), "adversarial": torch.tensor(adversarial)})
        assert float(state.memory["frozen"]) == frozen


def test_what_is_compared_is_gs_adversarial_loss_though_it_matches_features() -> None:
    variant, state = made(feature_matching="instead")
    torch.manual_seed(2)
    losses = variant.discriminator_loss(state, batch := batch_of(variant))
    torch.manual_seed(2)
    tunes_of_g = variant.generated(state, batch)
    logits = variant.discriminate(state, tunes_of_g, batch)
    assert isinstance(logits, Tensor)
    torch.testing.assert_close(losses["adversarial"], torch.nn.functional.softplus(-logits).mean().detach())
    real = variant.discriminate(state, batch["images"], batch)
    assert isinstance(real, Tensor)
    expected = torch.nn.functional.softplus(-real).mean() + torch.nn.functional.softplus(logits).mean()
    torch.testing.assert_close(losses["total"], expected)


def test_g_matches_the_mean_features_of_ds_last_layer() -> None:
    variant, state = made(feature_matching="instead")
    batch, judge = batch_of(variant), state.networks["discriminator"]
    assert isinstance(judge, NoteDiscriminator)
    variant.discriminator_loss(state, batch)
    kept = variant.kept(batch, "tunes")
    assert kept is not None
    variant.keep(batch, "tunes", kept)
    found = variant.generator_loss(state, batch)["total"]
    distance = judge.body(batch["images"])[0].flatten(1).mean(0) - judge.body(kept)[0].flatten(1).mean(0)
    torch.testing.assert_close(found, distance.square().sum())


def test_by_default_g_has_the_adversarial_loss_of_the_tunes_that_d_has_seen() -> None:
    variant, state = made()
    batch = batch_of(variant)
    variant.discriminator_loss(state, batch)
    kept = variant.kept(batch, "tunes")
    assert kept is not None
    variant.keep(batch, "tunes", kept)
    logits = variant.discriminate(state, kept, batch)
    assert isinstance(logits, Tensor)
    found = variant.generator_loss(state, batch)["total"]
    torch.testing.assert_close(found, torch.nn.functional.softplus(-logits).mean())
    assert variant.kept(batch, "tunes") is None, "once: after G's step they are old"


def test_a_frozen_d_is_left_as_it_is_and_told_in_the_history(tmp_path: Path) -> None:
    frozen = ganzoo.train(
        "crnngan",
        "melodies",
        out=tmp_path / "run",
        steps=4,
        pretrain_share=0.25,
        freeze_below=50.0,
        log_every=1,
        **SMALL,
    )
    lines = (frozen.path / "scalars.jsonl").read_text()
    # Nothing is known before the first of D's losses.
    assert lines.count('"discriminator_frozen": 1.0') == 2
    assert lines.count('"discriminator_frozen": 0.0') == 1
    assert FreezingTrainer.step is not FreezingTrainer.__mro__[1].step  # type: ignore[attr-defined]  # a Trainer


def test_sequences_that_are_no_notes_and_tunes_too_short_are_refused() -> None:
    with pytest.raises(DataError, match=r"holds sequences that are no notes; tunes, melodies"):
        made(DataInfo("text", "sequences", (5, 4)))
    variant, _ = made(first_length=6)
    with pytest.raises(ConfigError, match=r"first_length = 6: tunes of 'notes' have 5 notes"):
        variant.prepare(None, None)  # type: ignore[arg-type]  # neither is looked at


# What sets tunes apart


def melody(*pitches: float, gaps: tuple[float, ...] = ()) -> Tensor:
    rows = [[1.0, p, 72.0, g] for p, g in zip(pitches, gaps or (1.0,) * len(pitches), strict=True)]
    return torch.tensor([rows])


def test_measures_of_a_tune_by_hand() -> None:
    assert float(metric.polyphony(melody(60, 64, 67, 72, gaps=(0, 0, 1, 1)))) == 0.5
    assert float(metric.polyphony(melody(60, 64, gaps=(0, 1)))) == 0
    assert float(metric.scale(melody(60, 62, 64, 65, 67, 69, 71, 72))) == 1
    assert float(metric.scale(melody(61, 63, 65, 66, 68, 70, 72))) == 1, "in any key"
    assert float(metric.scale(melody(60, 61, 62, 63))) == 0.75
    assert float(metric.repetitions(melody(60, 62, 64, 60, 62, 64, 65))) == 1
    assert float(metric.repetitions(melody(*[60.0] * 7))) == 3, "they do not overlap"
    assert float(metric.repetitions(melody(*[60.0] * 5))) == 0
    assert float(metric.repetitions(melody(60, 62, 64, 65, 67))) == 0
    assert float(metric.span(melody(60, 59, 71.6))) == 13


def test_the_distance_of_two_distributions() -> None:
    a = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert metric.furthest(a, a.flip(0)) == 0
    assert metric.furthest(a, a + 10) == 1
    assert metric.furthest(a, torch.tensor([0.0, 0.0, 0.0, 3.0])) == 0.5


def test_it_is_measured_against_real_tunes_and_sampled(tmp_path: Path) -> None:
    run = ganzoo.train("crnngan", "melodies", out=tmp_path / "run", steps=2, **SMALL)
    (found,) = ganzoo.evaluate(run.path, ["tunes-1k"])
    assert 0 < found.value <= 1
    assert found.values["real scale"] == 1
    assert found.values["real repetitions"] >= 1, "the bar comes twice"
    tune = run.sample(3, seed=1)
    assert tune.shape == (3, 8, 4)
    assert set(tune[..., 1].unique().tolist()) <= set(run.data.extra["notes"]["pitch"])
    torch.testing.assert_close(gumbel(torch.zeros(1)), torch.tensor([-log(log(2))]))


def test_points_are_no_tunes(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "ring", out=tmp_path / "run", steps=2, batch_size=4, width=4, device="cpu")
    with pytest.raises(UsageError, match="it measures sequences"):
        ganzoo.evaluate(run.path, ["tunes-1k"])
