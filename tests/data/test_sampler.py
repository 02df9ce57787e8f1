"""The order of images is a pure function of seed and position."""

import pytest
import torch

from ganzoo.data.sampler import Sampler, derived_seed


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_each_epoch_is_a_permutation(count):
    stream = Sampler(count, seed=3).indices(0, 5 * count).view(5, count)
    for epoch in stream:
        assert sorted(epoch.tolist()) == list(range(count))
    if count == 100:
        assert len({tuple(epoch.tolist()) for epoch in stream}) == 5


@pytest.mark.parametrize("batch", [1, 3, 10, 23])
def test_batches_of_any_size_walk_the_same_stream(batch):
    whole = Sampler(10, seed=1).indices(0, 230)
    sampler = Sampler(10, seed=1)
    parts = [sampler.indices(start, batch) for start in range(0, 230 - batch + 1, batch)]
    joined = torch.cat(parts)
    assert joined.dtype == torch.int64
    assert torch.equal(joined, whole[: len(joined)])


def test_a_resumed_sampler_goes_on_with_the_very_next_index():
    whole = Sampler(50, seed=9).indices(0, 400)
    for start in (0, 1, 49, 50, 51, 337):
        assert torch.equal(Sampler(50, seed=9).indices(start, 60), whole[start : start + 60])


def test_looking_ahead_and_back_changes_nothing():
    whole, sampler = Sampler(8, seed=0).indices(0, 80), Sampler(8, seed=0)
    for start in (0, 40, 6, 30, 0, 14):
        assert torch.equal(sampler.indices(start, 10), whole[start : start + 10])


def test_seeds_and_epochs_share_nothing():
    orders = {tuple(Sampler(30, seed).epoch(e).tolist()) for seed in range(6) for e in range(6)}
    assert len(orders) == 36
    # torch's generator uses the low 32 bits only, so they must differ too.
    assert len({derived_seed("epoch", seed, e) & 0xFFFFFFFF for seed in range(20) for e in range(20)}) == 400


def test_random_state_of_the_process_is_neither_used_nor_changed():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = Sampler(20, seed=2).indices(0, 40)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    assert torch.equal(first, Sampler(20, seed=2).indices(0, 40))


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        Sampler(0, seed=0)
    with pytest.raises(ValueError, match="negative"):
        Sampler(3, seed=0).indices(-1, 2)
    assert Sampler(3, seed=0).indices(2, 0).shape == (0,)
