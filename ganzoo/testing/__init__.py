"""The contract that a variant must meet, as a function that plugin authors call in their tests.

>>> from ganzoo.testing import check_variant
>>> check_variant("my-gan")
"""

from ganzoo.testing.contract import check_variant
from ganzoo.testing.trainings import cut_at

__all__ = ["check_variant", "cut_at"]
