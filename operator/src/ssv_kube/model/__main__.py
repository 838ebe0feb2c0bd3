"""`python -m ssv_kube.model [FILE]`: write the CustomResourceDefinition, by default into the chart."""

from __future__ import annotations

import sys
from pathlib import Path

from ssv_kube.model.crd import crd_yaml
from ssv_kube.model.names import CRD_NAME

DEFAULT = Path("helm/ssv/crds") / f"{CRD_NAME}.yaml"


def main(arguments: list[str]) -> None:
    """Write it to the file named, or into the chart of the repository that is the working directory."""
    file = Path(arguments[0]) if arguments else DEFAULT
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(crd_yaml())


if __name__ == "__main__":
    main(sys.argv[1:])
