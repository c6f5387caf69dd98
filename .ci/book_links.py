"""Looks whether the links of the built book lead somewhere; called by `.ci/book`.

usage: book_links.py REPOSITORY BOOK     BOOK has the pages in docs/; what they lead to outside of it is copied there.
"""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page leads to, and what can be led to in it."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.add(attributes.get("id"))
        self.links.update(attributes[name] for name in ("href", "src") if attributes.get(name))


root, book = map(Path, sys.argv[1:])
tracked = set(subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout.split("\0"))
for file in ("book.toml", "SUMMARY.md"):
    (book / "docs" / file).unlink(missing_ok=True)
# All pages on one, for printing: its links are those of the others.
paths = [path for path in book.rglob("*.html") if path.name not in ("print.html", "404.html", "toc.html")]
pages = {path.resolve(): Page(path) for path in paths}
wrong, count = [], 0
for path, page in sorted(pages.items()):
    for link in sorted(page.links):
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//") or link == "#":
            continue
        count += 1
        to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not to.exists() and to.is_relative_to(book.resolve()):
            own = str(to.relative_to(book.resolve()))
            # The README is Markdown, and mdBook takes it for a page.
            own = own.removesuffix(".html") + ".md" if own.removesuffix(".html") + ".md" in tracked else own
            files = [it for it in tracked if it == own or it.startswith(f"{own}/")]
            for file in files if not own.startswith("docs/") else []:
                (book / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / file, book / file)
                if file == own and to.suffix == ".html":
                    shutil.copy(root / file, to)
        if not to.exists():
            wrong.append(f"{path.relative_to(book.resolve())}: {link} leads nowhere")
        elif parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].anchors:
            wrong.append(f"{path.relative_to(book.resolve())}: {link}: there is no such part")
for line in wrong:
    print(line, file=sys.stderr)
if wrong:
    sys.exit(1)
print(f"{len(pages)} pages, {count} links, and each of them leads somewhere")
