"""Why the API does not grant a request. What keeps it from reading one is `ssz_json.Malformed`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from ssv_protocol.signing.verdict import EXPLANATIONS, DenialReason, Denied


class RemoteReason(StrEnum):
    """Why a well-formed request is refused, besides the reasons of the slashing rules."""

    UNKNOWN_KEY = "unknown_key"
    SHARE_OF_COMMITTEE = "share_of_committee"
    VALIDATOR_OF_COMMITTEE = "validator_of_committee"
    TYPE_DENIED = "type_denied"
    OTHER_FORK = "other_fork"
    OTHER_SIGNING_ROOT = "other_signing_root"
    OTHER_KEY = "other_key"
    WRONG_VERSION = "wrong_version"
    WRONG_SUBCOMMITTEE = "wrong_subcommittee"


REMOTE_EXPLANATIONS: dict[RemoteReason, str] = {
    RemoteReason.UNKNOWN_KEY: "No plain key with this public key is loaded; see GET /reload for files that were not.",
    RemoteReason.SHARE_OF_COMMITTEE: "The key is or was the share of a committee; it signs only for its committee's "
    "consensus, under the lease of a worker.",
    RemoteReason.VALIDATOR_OF_COMMITTEE: "The key is of a validator whose share this signer holds; its whole key "
    "would sign past its committee and past the share's record.",
    RemoteReason.TYPE_DENIED: "The setting remote_denied_types names objects of this type.",
    RemoteReason.OTHER_FORK: "The request's fork_info is not what this signer's network file says for the object's "
    "epoch.",
    RemoteReason.OTHER_SIGNING_ROOT: "The request's signing root is not that of its object.",
    RemoteReason.OTHER_KEY: "The object names another public key than the one that is to sign it.",
    RemoteReason.WRONG_VERSION: "The object is not of the fork that its slot lies in.",
    RemoteReason.WRONG_SUBCOMMITTEE: "There is no such sync subcommittee.",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing may be signed and no record changes. `detail` holds facts of the request and ours, never a secret."""

    reason: RemoteReason | DenialReason
    detail: str = ""

    @classmethod
    def by_rule(cls, denied: Denied) -> Refused:
        """Return the refusal of a slashing rule."""
        return cls(denied.reason, denied.detail)

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status that the API has for it."""
        return HTTPStatus.NOT_FOUND if self.reason == RemoteReason.UNKNOWN_KEY else HTTPStatus.PRECONDITION_FAILED

    @property
    def explanation(self) -> str:
        """What the reason means, for a human."""
        if isinstance(self.reason, RemoteReason):
            return REMOTE_EXPLANATIONS[self.reason]
        return EXPLANATIONS[self.reason]
