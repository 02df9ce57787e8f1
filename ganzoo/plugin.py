"""What authors of plugins import: the one public face of the core.

Names are loaded when they are first used, so that a plugin's module can take its specs from here without importing
torch. These names are kept: one that must change goes on working, with a DeprecationWarning, for one minor version at
least. Everything else in ganzoo may change without notice.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.config.fields import Options as Options
    from ganzoo.config.fields import option as option
    from ganzoo.config.fields import reject_unused as reject_unused
    from ganzoo.config.settings import AdamOptions as AdamOptions
    from ganzoo.config.settings import RunConfig as RunConfig
    from ganzoo.config.settings import Tricks as Tricks
    from ganzoo.data.base import DataInfo as DataInfo
    from ganzoo.data.base import DataRequest as DataRequest
    from ganzoo.data.base import Dataset as Dataset
    from ganzoo.data.base import DataWarning as DataWarning
    from ganzoo.data.base import MemorySource as MemorySource
    from ganzoo.data.base import Source as Source
    from ganzoo.data.base import digest as digest
    from ganzoo.data.base import to_uint8 as to_uint8
    from ganzoo.data.base import to_unit as to_unit
    from ganzoo.data.kinds import Writer as Writer
    from ganzoo.data.loader import Batch as Batch
    from ganzoo.data.loader import BatchLoader as BatchLoader
    from ganzoo.data.sampler import Sampler as Sampler
    from ganzoo.data.sampler import derived_seed as derived_seed
    from ganzoo.data.texts import to_texts as to_texts
    from ganzoo.errors import ChecksumError as ChecksumError
    from ganzoo.errors import ConfigError as ConfigError
    from ganzoo.errors import DataError as DataError
    from ganzoo.errors import DataMissingError as DataMissingError
    from ganzoo.errors import GanzooError as GanzooError
    from ganzoo.errors import PluginError as PluginError
    from ganzoo.errors import SplitMissingError as SplitMissingError
    from ganzoo.errors import TrainingError as TrainingError
    from ganzoo.errors import UsageError as UsageError
    from ganzoo.metrics.base import Metric as Metric
    from ganzoo.metrics.base import Result as Result
    from ganzoo.metrics.context import EvaluationContext as EvaluationContext
    from ganzoo.metrics.extractors import Extractor as Extractor
    from ganzoo.metrics.extractors import ExtractorRequest as ExtractorRequest
    from ganzoo.metrics.measures.accuracy import meanings as meanings
    from ganzoo.metrics.measures.encoders import Encoded as Encoded
    from ganzoo.metrics.measures.encoders import ProbeAccuracy as ProbeAccuracy
    from ganzoo.metrics.measures.features import FrechetDistance as FrechetDistance
    from ganzoo.metrics.measures.features import PrecisionRecall as PrecisionRecall
    from ganzoo.metrics.measures.super_resolution import lowered as lowered
    from ganzoo.models.adversarial import GAN as GAN
    from ganzoo.models.blocks import Dropout as Dropout
    from ganzoo.models.blocks import InstanceNorm2d as InstanceNorm2d
    from ganzoo.models.blocks import PooledConv2d as PooledConv2d
    from ganzoo.models.blocks import UpsampledConv2d as UpsampledConv2d
    from ganzoo.models.blocks import append_one_hot as append_one_hot
    from ganzoo.models.blocks import downsampling as downsampling
    from ganzoo.models.blocks import init_normal as init_normal
    from ganzoo.models.blocks import mlp as mlp
    from ganzoo.models.blocks import pyramid as pyramid
    from ganzoo.models.blocks import square_side as square_side
    from ganzoo.models.blocks import upsampling as upsampling
    from ganzoo.models.conditions import AttributeCondition as AttributeCondition
    from ganzoo.models.conditions import ClassCondition as ClassCondition
    from ganzoo.models.conditions import CodeCondition as CodeCondition
    from ganzoo.models.conditions import Condition as Condition
    from ganzoo.models.conditions import EmbeddingCondition as EmbeddingCondition
    from ganzoo.models.conditions import ImageCondition as ImageCondition
    from ganzoo.models.conditions import TextCondition as TextCondition
    from ganzoo.models.conditions import VectorCondition as VectorCondition
    from ganzoo.models.interfaces import AttributeEncoder as AttributeEncoder
    from ganzoo.models.interfaces import Classifier as Classifier
    from ganzoo.models.interfaces import Discriminator as Discriminator
    from ganzoo.models.interfaces import Encoder as Encoder
    from ganzoo.models.interfaces import Generator as Generator
    from ganzoo.models.interfaces import Logits as Logits
    from ganzoo.models.interfaces import Loss as Loss
    from ganzoo.models.interfaces import Scored as Scored
    from ganzoo.models.interfaces import Scorer as Scorer
    from ganzoo.models.interfaces import Translator as Translator
    from ganzoo.models.interfaces import device_of as device_of
    from ganzoo.models.losses import Hinge as Hinge
    from ganzoo.models.losses import LeastSquares as LeastSquares
    from ganzoo.models.losses import Minimax as Minimax
    from ganzoo.models.losses import NonSaturating as NonSaturating
    from ganzoo.models.losses import Wasserstein as Wasserstein
    from ganzoo.models.optimizers import FusedRMSprop as FusedRMSprop
    from ganzoo.models.replay import replay as replay
    from ganzoo.models.replay import replay_memory as replay_memory
    from ganzoo.models.state import Game as Game
    from ganzoo.models.state import Losses as Losses
    from ganzoo.models.state import Stage as Stage
    from ganzoo.models.state import State as State
    from ganzoo.models.state import Update as Update
    from ganzoo.models.variant import Load as Load
    from ganzoo.models.variant import Variant as Variant
    from ganzoo.models.variant import fused as fused
    from ganzoo.models.variant import unique_parameters as unique_parameters
    from ganzoo.registry.hookspecs import hookimpl as hookimpl
    from ganzoo.registry.registry import register as register
    from ganzoo.registry.specs import DataFile as DataFile
    from ganzoo.registry.specs import DatasetSpec as DatasetSpec
    from ganzoo.registry.specs import ExtractorSpec as ExtractorSpec
    from ganzoo.registry.specs import LoggerSpec as LoggerSpec
    from ganzoo.registry.specs import LossSpec as LossSpec
    from ganzoo.registry.specs import Member as Member
    from ganzoo.registry.specs import MetricSpec as MetricSpec
    from ganzoo.registry.specs import SuiteSpec as SuiteSpec
    from ganzoo.registry.specs import VariantSpec as VariantSpec
    from ganzoo.registry.specs import WeightsSpec as WeightsSpec
    from ganzoo.runtime.tensor_files import below as below
    from ganzoo.runtime.tensor_files import fill as fill
    from ganzoo.runtime.tensor_files import read_tensors as read_tensors
    from ganzoo.training.trainer import Trainer as Trainer
    from ganzoo.tricks.discriminator import last_features as last_features
    from ganzoo.tricks.names import DISCRIMINATOR_TRICKS as DISCRIMINATOR_TRICKS
    from ganzoo.tricks.names import GENERATOR_TRICKS as GENERATOR_TRICKS
    from ganzoo.tricks.names import INPUT_TRICKS as INPUT_TRICKS
    from ganzoo.tricks.names import LOSS_TRICKS as LOSS_TRICKS
    from ganzoo.tricks.names import NETWORK_TRICKS as NETWORK_TRICKS
    from ganzoo.tricks.penalties import gradient_penalty as gradient_penalty
    from ganzoo.tricks.penalties import r1 as r1

_MODULES = {
    "ganzoo.data.kinds": ("Writer",),
    "ganzoo.metrics.extractors": (
        "Extractor",
        "ExtractorRequest",
    ),
    "ganzoo.registry.hookspecs": ("hookimpl",),
    "ganzoo.registry.registry": ("register",),
    "ganzoo.registry.specs": (
        "ExtractorSpec",
        "LoggerSpec",
        "DataFile",
        "DatasetSpec",
        "LossSpec",
        "Member",
        "MetricSpec",
        "SuiteSpec",
        "VariantSpec",
        "WeightsSpec",
    ),
    "ganzoo.errors": (
        "ChecksumError",
        "ConfigError",
        "DataError",
        "DataMissingError",
        "GanzooError",
        "PluginError",
        "SplitMissingError",
        "TrainingError",
        "UsageError",
    ),
    "ganzoo.config.fields": (
        "Options",
        "option",
        "reject_unused",
    ),
    "ganzoo.config.settings": (
        "AdamOptions",
        "RunConfig",
        "Tricks",
    ),
    "ganzoo.data.base": (
        "DataInfo",
        "DataRequest",
        "DataWarning",
        "Dataset",
        "MemorySource",
        "Source",
        "digest",
        "to_uint8",
        "to_unit",
    ),
    "ganzoo.data.loader": (
        "Batch",
        "BatchLoader",
    ),
    "ganzoo.data.sampler": (
        "Sampler",
        "derived_seed",
    ),
    "ganzoo.data.texts": ("to_texts",),
    "ganzoo.models.conditions": (
        "AttributeCondition",
        "ClassCondition",
        "CodeCondition",
        "Condition",
        "EmbeddingCondition",
        "ImageCondition",
        "TextCondition",
        "VectorCondition",
    ),
    "ganzoo.models.interfaces": (
        "AttributeEncoder",
        "Classifier",
        "Discriminator",
        "Encoder",
        "Generator",
        "Logits",
        "Loss",
        "Scored",
        "Scorer",
        "Translator",
        "device_of",
    ),
    "ganzoo.models.state": (
        "Game",
        "Losses",
        "Stage",
        "State",
        "Update",
    ),
    "ganzoo.models.variant": (
        "unique_parameters",
        "Load",
        "Variant",
        "fused",
    ),
    "ganzoo.models.adversarial": ("GAN",),
    "ganzoo.models.blocks": (
        "Dropout",
        "InstanceNorm2d",
        "PooledConv2d",
        "UpsampledConv2d",
        "append_one_hot",
        "downsampling",
        "init_normal",
        "mlp",
        "pyramid",
        "square_side",
        "upsampling",
    ),
    "ganzoo.models.losses": (
        "Hinge",
        "LeastSquares",
        "Minimax",
        "NonSaturating",
        "Wasserstein",
    ),
    "ganzoo.models.optimizers": ("FusedRMSprop",),
    "ganzoo.models.replay": (
        "replay",
        "replay_memory",
    ),
    "ganzoo.tricks.discriminator": ("last_features",),
    "ganzoo.tricks.names": (
        "DISCRIMINATOR_TRICKS",
        "GENERATOR_TRICKS",
        "INPUT_TRICKS",
        "LOSS_TRICKS",
        "NETWORK_TRICKS",
    ),
    "ganzoo.tricks.penalties": (
        "gradient_penalty",
        "r1",
    ),
    "ganzoo.metrics.base": (
        "Metric",
        "Result",
    ),
    "ganzoo.metrics.context": ("EvaluationContext",),
    "ganzoo.metrics.measures.accuracy": ("meanings",),
    "ganzoo.metrics.measures.encoders": (
        "Encoded",
        "ProbeAccuracy",
    ),
    "ganzoo.metrics.measures.features": ("FrechetDistance", "PrecisionRecall"),
    "ganzoo.metrics.measures.super_resolution": ("lowered",),
    "ganzoo.runtime.tensor_files": (
        "below",
        "fill",
        "read_tensors",
    ),
    "ganzoo.training.trainer": ("Trainer",),
}
"""Where each name lives."""

_PLACES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_PLACES)  # the table above is the list


_RENAMED: dict[str, tuple[str, str]] = {}
"""Old names that still work: the new name, and the version in which the old one goes. It warns for one minor version
at least before it goes."""


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        new, version = _RENAMED[name]
        warnings.warn(
            f"ganzoo.plugin.{name} is now {new}; the old name goes in ganzoo {version}.",
            DeprecationWarning,
            stacklevel=2,
        )
        return __getattr__(new)
    if name not in _PLACES:
        raise AttributeError(f"module 'ganzoo.plugin' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
