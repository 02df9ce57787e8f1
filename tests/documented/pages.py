"""What stands in code blocks of the documentation, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_BY_COMMANDS = ("cli.md", "reference.md")
"""What `--help` prints and tables of settings: there is nothing to run."""
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$|((?:^    [^\n]*\S[^\n]*\n)+)", re.M | re.S)
NAMED = re.compile(r"# (\S+\.(?:py|toml|yaml|csv|txt))(?::.*)?$")


@dataclass(frozen=True)
class Block:
    """A command with the lines that the page shows below it, or a whole block of another language.

    Attributes:
        page: path in the repository.
        line: where it begins, from 1.
        kind: ``"command"``, or the language of the block: ``"python"``, ``"toml"``, ``"bash"``, ``"text"`` ...
        text: the command, or the block.
        shown: output of the command as the page shows it.
    """

    page: str
    line: int
    kind: str
    text: str
    shown: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file that a block says it is, in a comment on its first line."""
        found = NAMED.match(self.text.partition("\n")[0])
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text.partition(chr(10))[0]}"


def pages() -> list[str]:
    """Every page that has a code block: README, docs and cards."""
    found = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/ganzoo_zoo/**/card.md")]
    names = [path for path in found if not path.name.endswith(".in.md") and path.name not in WRITTEN_BY_COMMANDS]
    return sorted(str(path.relative_to(ROOT)) for path in names if blocks(str(path.relative_to(ROOT))))


def blocks(page: str) -> list[Block]:
    """The commands and blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        first = text.count("\n", 0, match.start()) + 1
        if match[4]:  # indented, as on cards: commands without a prompt
            lines = [line.strip() for line in match[4].splitlines()]
            kind = "console" if lines[0].startswith(("ganzoo ", "python ")) else "text"
            body = "\n".join(f"$ {line}" if kind == "console" else line for line in lines)
        else:
            first, kind = first + 1, match[2] or "text"
            body = "\n".join(line.removeprefix(match[1]) for line in match[3].splitlines())
        found += commands(page, first, body) if kind == "console" else [Block(page, first, kind, body)]
    return found


def commands(page: str, first: int, body: str) -> list[Block]:
    """The commands of a console, each with what it prints."""
    found: list[Block] = []
    for number, line in enumerate(body.splitlines(), first):
        if line.startswith("$ "):
            found.append(Block(page, number, "command", line[2:]))
        elif found:
            found[-1] = Block(page, found[-1].line, "command", found[-1].text, (*found[-1].shown, line))
        else:
            found.append(Block(page, number, "output", line))
    return found
