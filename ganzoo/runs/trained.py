"""A run directory, read back: its trained networks, and what can be done with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo, check_images, to_unit
from ganzoo.errors import RunError, UsageError
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.models.load import load_variant
from ganzoo.models.translate import translate
from ganzoo.models.variant import Variant
from ganzoo.registry.specs import SECOND
from ganzoo.runs.run import checkpoints, latest_checkpoint, read_run_details, weights_path
from ganzoo.runs.weights import describe_weights, load_network, weights_in

N = TypeVar("N", bound=nn.Module)


class TrainedRun:
    """A run directory that is only read. Networks are loaded once, when they are first used.

    Attributes:
        path: the run directory.
        config: the settings of the run, as of its newest weights.
        data: what is known about its data.
        variant: what was trained.
        details: the content of ``run.json``.
        status: ``running``, ``finished``, ``interrupted`` or ``failed``; ``reason`` says why.
        step, images: iterations done and real samples seen.

    Raises:
        RunError: not a run directory, or no weights in it yet.
        CheckpointError: its weights are damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.details: dict[str, Any] = read_run_details(self.path)
        found = sorted(file for file in self.path.glob("*.safetensors") if not file.stem.endswith("-best"))
        if not found:
            raise RunError(f"{self.path} has no weights: its training has not reached a checkpoint.")
        self.variant = variant_of_weights(found[0])
        self.config: RunConfig = self.variant.config
        self.data: DataInfo = self.variant.data
        self.roles = tuple(role for role in self.variant.exports() if weights_path(self.path, role).exists())
        self.status, self.reason = str(self.details.get("status", "running")), str(self.details.get("reason", ""))
        self.step, self.images = int(self.details.get("step", 0)), int(self.details.get("images", 0))
        self._networks: dict[str, nn.Module] = {}

    def checkpoints(self) -> list[Path]:
        """The kept checkpoints, oldest first."""
        return checkpoints(self.path)

    def latest(self) -> Path:
        """The newest checkpoint; CheckpointError when there is none."""
        return latest_checkpoint(self.path)

    def network(self, role: str | None = None) -> nn.Module:
        """The trained network of a role (default: the first one), in eval mode, on the CPU.

        Raises:
            UsageError: this run exports no such role.
        """
        role = role or self.variant.main_role
        if role not in self.roles:
            raise UsageError(f"{self.path} exports no {role!r}; it has: {', '.join(self.roles)}.")
        if role not in self._networks:
            self._networks[role] = load_network(weights_path(self.path, role), self.variant)
        return self._networks[role]

    def _of_kind(self, kind: type[nn.Module], what: str, role: str | None = None) -> Any:
        """The network of that kind: of the role, or of the first role that has one."""
        for each in (role,) if role else self.roles:
            if isinstance(found := self.network(each), kind):
                return found
        has = ", ".join(f"{each} ({type(self.network(each)).__name__})" for each in self.roles)
        raise UsageError(f"{self.path}: variant {self.config.variant!r} {what}; it exports: {has}.")

    def generator(self, role: str | None = None) -> Generator:
        """The trained generator. Raises UsageError when there is none."""
        found: Generator = self._of_kind(Generator, "draws no samples", role)
        return found

    def classifier(self, role: str | None = None) -> Classifier:
        """The trained classifier. Raises UsageError when there is none."""
        found: Classifier = self._of_kind(Classifier, "trains no classifier", role)
        return found

    def encoder(self, role: str | None = None) -> Encoder:
        """The trained encoder. Raises UsageError when there is none."""
        found: Encoder = self._of_kind(Encoder, "trains no encoder", role)
        return found

    def scorer(self, role: str | None = None) -> Scorer:
        """The trained scorer of anomalies. Raises UsageError when there is none."""
        found: Scorer = self._of_kind(Scorer, "trains no scorer of anomalies", role)
        return found

    def translator(self, direction: str | None = None) -> Translator:
        """The trained translator of a direction, which is its role. Raises UsageError when there is none."""
        found: Translator = self._of_kind(Translator, "turns no images into images", direction)
        return found

    def sample(self, n: int, condition: Any = None, seed: int = 0, **sampling: Any) -> Tensor:
        """``n`` samples of the generator; see :meth:`ganzoo.models.interfaces.Generator.sample`."""
        return self.generator().sample(n, condition, seed, **sampling)

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Probabilities [N, classes] of images [N, C, H, W], uint8 or in [-1, 1].

        Raises:
            UsageError: there is no classifier, or the images have another shape or range than it was trained on.
        """
        network = self.classifier()
        check_images(images, *self.data.shape)
        return network(to_unit(images).float().cpu()).softmax(1)

    @torch.no_grad()
    def score(self, images: Tensor) -> Tensor:
        """How odd images [N, C, H, W] are, uint8 or in [-1, 1]: scores [N], larger ones odder.

        Raises:
            UsageError: there is no scorer, or the images have another shape or range than it was trained on.
        """
        network = self.scorer()
        check_images(images, *self.data.shape)
        return network(to_unit(images).float().cpu())

    @torch.no_grad()
    def encode(self, samples: Tensor) -> Tensor:
        """Latents [N, latent_dim] of samples [N, *shape]: uint8 images, or values as they were trained on.

        Raises:
            UsageError: there is no encoder, or the samples have another shape.
        """
        network = self.encoder()
        if tuple(samples.shape[1:]) != self.data.shape:
            raise UsageError(f"samples are {list(samples.shape)}: give [N, {', '.join(map(str, self.data.shape))}].")
        return network(to_unit(samples).float().cpu())

    def translate(self, images: Tensor, direction: str | None = None, tile: int | None = None) -> Tensor:
        """Images [N, C, H, W] of any size, uint8 or in [-1, 1], through a translator, to uint8.

        See :func:`ganzoo.models.translate.translate`.

        Raises:
            UsageError: there is no translator; images of other channels, or out of range.
        """
        network = self.translator(direction)
        check_images(images, input_channels(network, self.data), None, None)
        return translate(network, images, tile)


def input_channels(network: Translator, data: DataInfo) -> int:
    """Channels of the images that a translator was trained to take."""
    if network.input.startswith(SECOND) and data.second is not None:
        return data.second.shape[0]
    if network.input == "target":
        return int(data.extra.get("target_shape", data.shape)[0])
    return data.shape[0] + network.masked


def open_run(path: str | Path) -> TrainedRun:
    """A run directory as a :class:`TrainedRun`; nothing is changed. Raises as the class does."""
    return TrainedRun(path)


def variant_of_weights(path: Path) -> Variant:
    """The variant whose settings stand in the header of a weights file."""
    header, data = describe_weights(path)
    name = header["config"]["variant"]
    variant_class = load_variant(name)
    return variant_class(resolve(name, variant_class.Options, header["config"]), data, None)


def open_networks(path: str | Path) -> tuple[Variant, dict[str, nn.Module]]:
    """The trained networks of a run directory, by role, or the one of a weights file or of a folder for the Hub; and
    what was trained.

    Raises:
        RunError, CheckpointError: nothing there, or damaged.
    """
    source = weights_in(Path(path))
    if source.is_dir():
        run = open_run(source)
        return run.variant, {role: run.network(role) for role in run.roles}
    variant = variant_of_weights(source)
    return variant, {describe_weights(source)[0]["role"]: load_network(source, variant)}


def open_one(path: str | Path, kind: type[N], what: str) -> tuple[Variant, N]:
    """What was trained, and the first network of that kind.

    Args:
        what: its name in a message, such as "encoder".

    Raises:
        UsageError: there is none; or as :func:`open_networks`.
    """
    variant, networks = open_networks(path)
    found = first_of(networks, kind)
    if found is None:
        kinds = ", ".join(type(network).__name__ for network in networks.values())
        raise UsageError(f"{path} holds {kinds}: no {what}.")
    return variant, found


def first_of(networks: Mapping[str, nn.Module], kind: type[N], role: str | None = None) -> N | None:
    """The network of a role if it is of that kind, else None; without a role, the first one of that kind."""
    chosen = networks.values() if role is None else [networks[role]] if role in networks else []
    return next((network for network in chosen if isinstance(network, kind)), None)
