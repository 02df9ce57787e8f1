"""What the site has beside the pages of docs/: a page for each variant from its card, the families, the plugin
interface, and the records that pages link to. A hook of MkDocs; nothing of it is kept in the repository.
"""

import io
import posixpath
import re
from pathlib import Path
from typing import Any

from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?\[[^\]\n]*\])\(([^)\s]+)\)")
MATH = re.compile(r"^```math\n(.*?)^```$", re.M | re.S)
ROLE = re.compile(r":(?:mod|class|func|meth|attr|data):(?=<code)")
NOTEBOOK = re.compile(r"\]\(((?:notebooks/)?[\w-]+)\.ipynb\)")
"""A link to a notebook, which on the site leads to its page."""
RECORDS = "source"
"""Folder of the site with the files of the repository that pages link to."""
THUMBNAIL = 128
"""Pixels of a side of the small pictures, at most."""
COLUMNS = ("setting", "default", "meaning")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made here, and every file outside docs/ that a page links to."""
    pages = {**variant_pages(), "plugin-interface.md": interface_page()}
    for name, page in pages.items():
        if drawn := own_picture(page, posixpath.basename(name).removesuffix(".md")):
            files.append(File.generated(config, thumbnail(name), content=cut(ROOT / "docs" / "images" / drawn)))
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for path, content in notebook_pages().items():
        files.append(File.generated(config, path, content=content))
    wanted = set()
    for file in files.documentation_pages():
        here = posixpath.dirname(file.src_uri)
        wanted |= {outside(target, here) for _, target in LINK.findall(file.content_string)}
    for path in sorted(each for each in wanted if each and (ROOT / each).is_file()):
        files.append(File.generated(config, f"{RECORDS}/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Formulas become MathML. Links that lead out of docs/ lead to the copies; those to folders become plain text."""
    here = posixpath.dirname(page.file.src_uri)
    markdown = MATH.sub(lambda found: formula(found[1], page.file.src_uri), markdown)

    def moved(found: re.Match[str]) -> str:
        text, target = found.groups()
        path = outside(target, here)
        if not path:
            return found[0]
        if (ROOT / path).is_file():
            return f"{text}({posixpath.relpath(f'{RECORDS}/{path}', here or '.')})"
        return text.strip("[]")

    markdown = LINK.sub(moved, markdown)
    return markdown if here == "notebooks" else NOTEBOOK.sub(r"](\1.md)", markdown)


def on_page_content(html: str, page: Page, config: Any, files: Files) -> str:
    """Roles of docstrings, such as ``:class:`X```, are shown without the role."""
    return ROLE.sub("", html)


def formula(latex: str, where: str) -> str:
    """LaTeX as MathML, which browsers show without a script.

    Raises:
        PluginError: the converter does not know what is written; the build stops.
    """
    try:
        shown = LatexToMathML(fancy_error=False).convert_with_local_state(latex.strip(), displaystyle=True)
    except LatexError as error:
        raise PluginError(f"{where}: the formula cannot be shown: {error}\n{latex}") from error
    return f'<div class="formula">{shown}</div>'


def own_picture(page: str, name: str) -> str:
    """The file of a picture on the page of a variant: the first one that is named after it, or the first one."""
    found = re.findall(r"!\[[^\]]*\]\([^)]*images/([^)]+)\)", page)
    return next((file for file in found if re.search(rf"(^|-){re.escape(name)}[.-]", file)), next(iter(found), ""))


def thumbnail(page: str) -> str:
    """Where the small picture of a page lies."""
    return posixpath.join(posixpath.dirname(page), "thumbnails", posixpath.basename(page).replace(".md", ".png"))


def cut(file: Path) -> bytes:
    """The upper left corner of a picture, as PNG."""
    with Image.open(file) as picture:
        side = min(*picture.size, THUMBNAIL)
        out = io.BytesIO()
        picture.convert("RGB").crop((0, 0, side, side)).save(out, "PNG")
    return out.getvalue()


def outside(target: str, here: str) -> str:
    """The path in the repository of a link that leads out of docs/, from a page in that folder; empty for others."""
    if "://" in target or target.startswith("#"):
        return ""
    path = posixpath.normpath(posixpath.join("docs", here, target.partition("#")[0]))
    return "" if path.startswith("docs/") or path == "docs" else path


def variant_pages() -> dict[str, str]:
    """A page for each variant of ganzoo, and one with their families."""
    from ganzoo.anatomy.draw import figure
    from ganzoo.anatomy.flow import anatomy
    from ganzoo.cli.info import variant_card
    from ganzoo.registry.registry import Registry

    zoo = Registry(third_party=False).variants
    families: dict[str, list[str]] = {}
    found = {}
    for name in zoo:
        spec = zoo.spec(name)
        families.setdefault(spec.family or "other", []).append(name)
        parts = anatomy(name)
        found[f"variants/{name}.md"] = variant_page(variant_card(name), parts.dataset, figure(parts))
    lines = ["# The zoo", "", "Every variant, by family. `ganzoo info NAME` shows the same in a terminal.", ""]
    for family in sorted(families):
        lines += [f"## {family}", ""]
        for name in families[family]:
            spec = zoo.spec(name)
            shown = f"![](thumbnails/{name}.png)" if own_picture(found[f"variants/{name}.md"], name) else ""
            lines.append(f"- {shown} **[{name}]({name}.md)** {spec.summary} ({spec.paper})")
        lines.append("")
    return {**found, "variants/index.md": "\n".join(lines) + "\n"}


def variant_page(card: dict[str, Any], dataset: str, drawn: str) -> str:
    """A card, the figure of its networks, what the variant needs, and its own settings."""
    text = re.sub(r"\]\((?:\.\./)+(benchmarks|docs)/", r"](../../\1/", str(card["card"]))
    text = text.replace("](../../docs/", "](../")
    rows = [
        (f"`{s['key']}`", "" if s["default"] is None else f"`{s['default']}`", f"{s['help']} ({s['type']})")
        for s in card["settings"] if s["of"] not in ("every run", "tricks")
    ]  # fmt: skip
    lines = [
        text.rstrip(), "", "## Its networks", "",
        f"As `ganzoo train {card['name']}` builds them for `{dataset}`: layers, the shape of one sample behind each, "
        "parameters. Lines show what the losses feed into which network. "
        f"`ganzoo info {card['name']} --figure FILE.svg` draws this figure.", "",
        f'<div class="figure" tabindex="0">{drawn}</div>', "", "## Facts", "", f"- needs: {', '.join(card['needs'])}",
        f"- models: {', '.join(card['models'])}",
        f"- family: {card['family']}", f"- provided by: {card['provided by']}", "", "## Its own settings", "",
        f"Each is an `-o KEY=VALUE` of `ganzoo train {card['name']}`. [All settings](../reference.md).", "",
        f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def notebook_pages() -> dict[str, str | bytes]:
    """A page for each notebook, with the pictures that its cells have drawn. The notebook itself lies beside it."""
    from nbconvert import MarkdownExporter

    found: dict[str, str | bytes] = {}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        text, made = MarkdownExporter().from_filename(str(path), {"output_files_dir": f"{path.stem}_files"})
        title, _, rest = text.strip().partition("\n")
        rest = NOTEBOOK.sub(r"](\1.md)", rest)
        found[f"notebooks/{path.stem}.md"] = f"{title}\n\n[The notebook]({path.name}), for Jupyter.\n{rest}\n"
        found |= {f"notebooks/{name}": content for name, content in made["outputs"].items()}
    return found


def interface_page() -> str:
    """All public names of ``ganzoo.plugin`` and the hooks, from their docstrings."""
    import ganzoo.plugin as public

    lines = [
        "# The plugin interface",
        "",
        "What `ganzoo.plugin` exports, and the hooks. [How to use it](plugins.md).",
        "",
    ]
    lines += ["## Hooks", "", "::: ganzoo.registry.hookspecs", ""]
    for module, names in public._MODULES.items():
        lines += [f"## {module}", ""]
        for name in sorted(names):
            lines += [f"::: {module}.{name}", ""]
    return "\n".join(lines)
