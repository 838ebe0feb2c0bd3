"""The committed code is what proto/ gives."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "libs/api/src/ssv_api"


def test_generating_anew_changes_nothing(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/proto.sh", tmp_path], check=True, cwd=ROOT)
    generated = {file.relative_to(tmp_path / "ssv_api"): file for file in (tmp_path / "ssv_api").rglob("*.py*")}
    committed = {
        file.relative_to(COMMITTED): file for file in COMMITTED.rglob("*.py*") if "__pycache__" not in file.parts
    }
    assert generated.keys() | {Path("py.typed")} == committed.keys() | {Path("py.typed")}
    changed = [str(name) for name, file in generated.items() if file.read_text() != committed[name].read_text()]
    assert changed == [], "run `make proto`"
