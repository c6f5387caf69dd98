"""The Python environment of the reference: statsforecast and what it needs, pinned in `requirements.txt`; and `measure`."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ATSAF = os.environ.get("ATSAF", str(ROOT / "target/release/atsaf"))
VENV = ROOT / "target/reference-venv"

sys.path.append(str(HERE.parent))
from measure import measure  # noqa: E402, F401


def own_environment():
    """Runs the script again in the environment, which is made where it is missing or its pins have changed."""
    if Path(sys.prefix) == VENV:
        return
    pins, made = (HERE / "requirements.txt").read_text(), VENV / "pins.txt"
    if not made.exists() or made.read_text() != pins:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "--quiet", "--requirement", HERE / "requirements.txt"], check=True)
        made.write_text(pins)
    python = VENV / "bin/python"
    os.execv(python, [python, *sys.argv])
