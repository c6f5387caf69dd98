"""Runs the program in tmux and draws its screens; called by `.ci/pictures`, which sees to what is needed."""

import html
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
WIDTHS = (80, 120)
LARGEST = 100_000  # bytes of a picture

# Background, foreground, the eight colours and the eight bright ones. Both are readable: 4.5 : 1 at least, faint text too.
DARK = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [(110, 118, 129), (255, 123, 114), (63, 185, 80), (210, 153, 34), (121, 192, 255), (210, 168, 255), (86, 212, 221), (230, 237, 243)],
    [(139, 148, 158), (255, 161, 152), (86, 211, 100), (227, 179, 65), (165, 214, 255), (226, 197, 255), (118, 227, 234), (255, 255, 255)],
)
LIGHT = TerminalTheme(
    (250, 251, 252),
    (31, 35, 40),
    [(87, 96, 106), (180, 22, 34), (17, 99, 41), (125, 78, 0), (9, 105, 218), (130, 80, 223), (0, 96, 105), (31, 35, 40)],
    [(87, 96, 106), (164, 14, 38), (26, 127, 55), (99, 60, 1), (33, 139, 255), (164, 117, 249), (49, 146, 170), (31, 35, 40)],
)

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>TITLE</title>
<style>text {{ font: {char_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre }}
.ground {{ fill: DARK_GROUND; stroke: #8884 }}
{styles}
@media (prefers-color-scheme: light) {{ .ground {{ fill: LIGHT_GROUND }}
LIGHT_STYLES }}</style>
<rect class="ground" x="1" y="1" width="WIDE" height="HIGH" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}{matrix}</g>
</svg>
"""


class Terminal:
    """A shell in a terminal of tmux's, in a project of its own."""

    def __init__(self, directory: Path, columns: int, lines: int):
        self.name = f"atsaf-pictures-{os.getpid()}"
        home = directory.parent
        environment = {
            "PATH": f"{home / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "LANG": "C.UTF-8",
            "PS1": "$ ",
        }
        words = ["env", "-i", "TERM=tmux-256color", *(f"{key}={value}" for key, value in environment.items())]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(directory), *words, "bash", "--norc", "--noprofile")
        self.tmux("set", "-g", "status", "off")

    def tmux(self, *words: str) -> str:
        return subprocess.run(["tmux", "-L", self.name, *words], check=True, capture_output=True, text=True).stdout

    def type(self, line: str):
        """Types a command on an empty screen."""
        self.press("clear", "Enter")
        time.sleep(0.3)
        self.tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys: str):
        self.tmux("send-keys", *keys)

    def plain(self) -> str:
        return self.tmux("capture-pane", "-p")

    def until(self, pattern: str, seconds: float = 600):
        """Waits until something stands on the screen."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.plain(), re.MULTILINE):
            if time.monotonic() > end:
                sys.exit(f"`{pattern}` does not come, but:\n{self.plain()}")
            time.sleep(0.02)

    def run(self, line: str):
        """Types a command and waits for its end."""
        self.type(line)
        time.sleep(0.2)
        self.until(r"\A\$ [^\n]+\n[\s\S]*^\$ *\n*\Z")

    def screen(self) -> list[str]:
        """What stands there, with its colours, without the prompt that waits."""
        lines = self.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")
        bare = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines]
        while bare and bare[-1] in ("", "$"):
            lines.pop()
            bare.pop()
        return lines

    def end(self):
        self.tmux("kill-server")


def pieces(text: re.Match) -> str:
    """A text of rich's, in which each character that another font may have to draw stands in its own column."""
    before, x, y, length, content = text.groups()
    content = html.unescape(content)
    width = float(length) / len(content)
    out = ""
    for piece in re.finditer(r"[ -~\xa0]+|[^ -~\xa0]+", content):
        at = [float(x) + width * column for column in range(*piece.span())]
        is_plain = piece[0][0] <= "\xa0"
        place = f'x="{at[0]:.1f}" textLength="{width * len(at):.1f}"' if is_plain else f'x="{" ".join(f"{it:.1f}" for it in at)}"'
        if piece[0].strip():
            out += f'<text {before}{place} y="{y}">{html.escape(piece[0], quote=False)}</text>'
    return out


def drawn(lines: list[str], columns: int, title: str) -> str:
    """The lines as SVG."""

    def export(theme: TerminalTheme, template: str) -> str:
        console = Console(width=columns, record=True, file=open(os.devnull, "w"), force_terminal=True, color_system="truecolor", legacy_windows=False)
        for line in lines:
            console.print(Text.from_ansi(line), no_wrap=True, crop=True, overflow="crop", highlight=False)
        return console.export_svg(title=title, theme=theme, code_format=template, unique_id="s")

    styles = export(LIGHT, "{styles}")
    ground = lambda theme: theme.background_color.hex
    svg = export(DARK, SVG).replace("DARK_GROUND", ground(DARK)).replace("LIGHT_GROUND", ground(LIGHT)).replace("LIGHT_STYLES", styles).replace("TITLE", html.escape(title))
    svg = re.sub(r'<text ([^>]*?)x="([^"]*)" y="([^"]*)" textLength="([^"]*)"[^>]*>(.*?)</text>', pieces, svg)
    # Nothing is wider than its line: the clips of rich, a path a line, are not needed.
    svg = re.sub(r' clip-path="[^"]*"', "", svg)
    wide, high = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    svg = svg.replace('viewBox="0 0', f'width="{wide:.0f}" height="{high:.0f}" viewBox="0 0', 1)
    svg = svg.replace("WIDE", f"{wide - 2:.0f}").replace("HIGH", f"{high - 2:.0f}")
    return svg


def keep(name: str, columns: int, lines: list[str], title: str):
    path = PICTURES / f"{name}-{columns}.svg"
    path.write_text(drawn(lines, columns, title))
    size = path.stat().st_size
    if size > LARGEST:
        sys.exit(f"{path} has {size} bytes")
    print(f"{path.relative_to(ROOT)}  {size // 1024 + 1} KiB")


PAGE = """
[target.page]
desc   = "the forecast for the intranet"
run    = "python3 page.py {{input.predictions}} > {{output}}"
inputs = ["predictions"]
output = "out/page.html"
"""
BROKEN = """\
import sys

rows = open(sys.argv[1], "rb").read()
raise SystemExit(f"{len(rows)} bytes, and no template to put them into")
"""


@contextmanager
def project():
    """The project of `atsaf init demo`, in a directory that goes."""
    with tempfile.TemporaryDirectory(prefix="atsaf-pictures-", ignore_cleanup_errors=True) as home:
        at = Path(home) / "demo"
        at.mkdir()
        (Path(home) / "bin").mkdir()
        (Path(home) / "bin" / "atsaf").symlink_to(os.environ["ATSAF"])
        subprocess.run([os.environ["ATSAF"], "init", "demo"], cwd=at, check=True, capture_output=True)
        yield at


def edit(at: Path, before: str, after: str):
    path = at / "Atsaffile"
    text = path.read_text()
    if text.count(before) != 1:
        sys.exit(f"`{before}` stands {text.count(before)} times in the Atsaffile")
    path.write_text(text.replace(before, after))


def screens(columns: int, wanted: set[str]):
    """One day of work, at a width; the pictures that are wanted of it."""

    def take(name: str, title: str):
        if not wanted or name in wanted:
            keep(name, columns, terminal.screen(), title)

    with project() as at:
        terminal = Terminal(at, columns, 50)
        try:
            terminal.run("atsaf build")
            take("build-end", "atsaf build, at its end")
            for name, command in {
                "why": "atsaf why predictions -s horizon=72",
                "show-leaderboard": "atsaf show leaderboard",
                "show-forecast": "atsaf show predictions",
            }.items():
                terminal.run(command)
                take(name, command)
            edit(at, "horizon   = 48", "horizon   = 72")
            terminal.run("atsaf status")
            take("status", "atsaf status")
            terminal.run("atsaf plan")
            take("plan", "atsaf plan")
            terminal.run("atsaf build")
            terminal.run("atsaf diff --metrics -n 12")
            take("diff-metrics", "atsaf diff --metrics")
            # Models that take long enough to be looked at, a second time: so it is known how long they took.
            slow = "atsaf build -s models=TBATS,MSTL_ARIMA,AutoARIMA,LagRidge -s step_size=6 -s n_windows="
            terminal.run(slow + "90")
            terminal.type(slow + "150")
            terminal.until(r"train +(0\.[5-9]|[1-9])[\d.]* s of .*n_windows[\s\S]*[━─]+ +\d of \d")
            take("build-running", "atsaf build, while it runs")
            terminal.until(r"^\$ *\n*\Z")
            (at / "Atsaffile").write_text((at / "Atsaffile").read_text() + PAGE)
            (at / "page.py").write_text(BROKEN)
            terminal.tmux("resize-window", "-x", str(columns), "-y", "14")
            terminal.type("atsaf watch predictions page")
            terminal.until("waiting for a change")
            terminal.until("failed +page")
            take("watch", "atsaf watch")
            terminal.press("q")
        finally:
            terminal.end()


def report():
    """The page of `atsaf report`, light and dark."""
    with project() as at:
        environment = {**os.environ, "XDG_STATE_HOME": str(at.parent / "state")}
        for words in (["build"], ["report"]):
            subprocess.run([os.environ["ATSAF"], *words], cwd=at, env=environment, check=True, capture_output=True)
        for scheme in ("light", "dark"):
            picture = at.parent / f"{scheme}.png"
            words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,1500", f"--user-data-dir={at.parent / scheme}"]
            if scheme == "dark":
                words.append("--blink-settings=preferredColorScheme=0")
            else:
                words.append("--blink-settings=preferredColorScheme=1")
            subprocess.run(["chromium", *words, f"--screenshot={picture}", (at / "report.html").as_uri()], check=True, capture_output=True, timeout=120)
            path = PICTURES / f"report-{scheme}.png"
            image = Image.open(picture).convert("RGB")
            image = image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)
            image.quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)
            size = path.stat().st_size
            if size > LARGEST:
                sys.exit(f"{path} has {size} bytes")
            print(f"{path.relative_to(ROOT)}  {size // 1024 + 1} KiB")


def main():
    wanted = set(sys.argv[1:])
    PICTURES.mkdir(exist_ok=True)
    if wanted != {"report"}:
        for columns in WIDTHS:
            screens(columns, wanted)
    if not wanted or "report" in wanted:
        report()


main()
