"""Where the parts of the devnet lie that are not Python: the checkout that this package is installed from."""

import os
from pathlib import Path


def devnet_folder() -> Path:
    """Return the checkout's `devnet/` (editable install), or what SSV_DEVNET_DIR names."""
    return Path(os.environ.get("SSV_DEVNET_DIR") or Path(__file__).parents[2])
