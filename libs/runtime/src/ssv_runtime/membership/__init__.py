"""Who of a group of equals is alive, and which of them something belongs to."""

from ssv_runtime.membership.beats import Beats
from ssv_runtime.membership.rendezvous import ranked
from ssv_runtime.membership.roll import BEAT_S, SILENT_S, Roll

__all__ = ["BEAT_S", "SILENT_S", "Beats", "Roll", "ranked"]
