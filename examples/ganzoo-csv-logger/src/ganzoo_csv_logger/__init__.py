"""A logger: every number of a training as a line of ``numbers.csv`` in its run directory."""

from collections.abc import Iterable

from ganzoo.plugin import LoggerSpec, hookimpl


@hookimpl
def ganzoo_loggers() -> Iterable[LoggerSpec]:
    return [LoggerSpec(name="csv", load="ganzoo_csv_logger.logger:CSVLogger", summary="writes numbers.csv in the run")]
