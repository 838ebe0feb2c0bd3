"""What all parts of the model share: the base class and kinds of text.

Every text and every list has a limit: without one the API server refuses CEL rules over them as too costly.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

MAX_ENDPOINTS = 8

Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", max_length=20)]
"""An amount as Kubernetes writes it: 500m, 2, 512Mi."""
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+([/?][^\s#]*)?$", max_length=512)]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
DataKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
Multiaddr = Annotated[str, StringConstraints(pattern=r"^/(ip4|ip6|dns|dns4|dns6)/[^\s]+/p2p/[^\s/]+$", max_length=512)]

Enr = Annotated[str, StringConstraints(pattern=r"^enr:[-_A-Za-z0-9]+$", max_length=410)]
"""A node's record as text: at most 300 bytes, in base64url (EIP-778)."""
IpAddress = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$", max_length=45)
]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in others)  # p2p_gateway: p2pGateway


class Part(BaseModel):
    """A part of the resource: camelCase outside. What a newer definition knows and we do not is left alone."""

    model_config = ConfigDict(
        alias_generator=_camel, populate_by_name=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )
