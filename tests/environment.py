"""A virtual environment on top of this one, to install distributions into."""

import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Environment:
    """It sees all that is installed here, and what it installs is its own."""

    python: str

    def run(self, *words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these words; they must succeed."""
        done = subprocess.run(
            [self.python, *words], cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done

    def pip(self, *words: str, cwd: Path) -> str:
        """Run pip; what it says."""
        done = self.run("-m", "pip", *words, cwd=cwd, PIP_DISABLE_PIP_VERSION_CHECK="1")
        return done.stdout + done.stderr

    def install(self, *sources: Path, cwd: Path) -> str:
        """Install distributions from their sources, without a network."""
        return self.pip(
            "install", "--no-deps", "--no-build-isolation", "--no-index", *map(str, sources), cwd=cwd
        )  # fmt: skip


def made_environment(folder: Path) -> Environment:
    """A new environment below ``folder``."""
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    environment = Environment(str(folder / "venv" / "bin" / "python"))
    # addsitedir, unlike a bare path, follows the .pth files there too: those of an editable ganzoo.
    above = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    site_packages = environment.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    Path(site_packages.stdout.strip(), "above.pth").write_text(
        "".join(f"import site; site.addsitedir({path!r})\n" for path in sorted(above)), encoding="utf-8"
    )
    return environment
