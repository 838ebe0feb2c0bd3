"""The switch from Alan's rules to Boole's in the middle of a run, and what must be seen of it."""

from __future__ import annotations

from dataclasses import dataclass

from ssv_devnet.demo.settings import DemoSettingError, DemoSettings
from ssv_protocol.types.ids import Epoch


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of rule sets with the epoch `fork`; nothing may be missed in the epoch before it and in its first."""

    fork: Epoch

    @property
    def epochs(self) -> tuple[Epoch, Epoch]:
        """The epochs around the switch."""
        return Epoch(self.fork - 1), self.fork


def switch_of(settings: DemoSettings, first_counted: Epoch) -> Switch | None:
    """Return the switch that a run is to show, None when it stays with one rule set.

    Raises:
        DemoSettingError: the run does not count both epochs around the switch wholly.
    """
    fork = settings.fork_epoch
    if not fork:
        return None
    if fork <= first_counted:
        raise DemoSettingError(
            f"DEMO_FORK_EPOCH={fork}: epochs count from {first_counted} on, and one before the switch is to be "
            f"seen; give DEMO_FORK_EPOCH={first_counted + 1} or more"
        )
    # The last slots of a run do not count, so the switch can't be in its last epoch.
    needed = fork + 1 - first_counted + 1
    if settings.epochs < needed:
        raise DemoSettingError(
            f"DEMO_FORK_EPOCH={fork}: epochs count from {first_counted} on, so that {settings.epochs} of them end "
            f"before the switch is over; give DEMO_EPOCHS={needed} or more"
        )
    return Switch(fork)
