"""How the resource is called, and the annotations and labels that it understands."""

from __future__ import annotations

from typing import Final

GROUP: Final = "ssv.network"
VERSION: Final = "v1alpha1"
KIND: Final = "SSVNode"
PLURAL: Final = "ssvnodes"
SHORT_NAME: Final = "ssv"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CRD_NAME: Final = f"{PLURAL}.{GROUP}"

PAUSED: Final = f"{GROUP}/paused"
"""Annotation: "true" leaves everything as it is until it is taken away."""
FINALIZER: Final = f"{GROUP}/slashing-export"
MAX_NAME_LENGTH: Final = 40
"""Children add to it, and labels of a StatefulSet's pods end at 63 characters."""
