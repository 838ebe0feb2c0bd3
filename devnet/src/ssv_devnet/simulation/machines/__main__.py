"""Replay a campaign: `python -m ssv_devnet.simulation.machines --size 7 --seed 12 --slots 50`.

Fails when one of the checks does.
"""

from __future__ import annotations

import argparse
import sys

from ssv_devnet.simulation.machines.campaign import Campaign
from ssv_devnet.simulation.machines.figures import figures, fingerprint
from ssv_devnet.simulation.machines.stage import play
from ssv_devnet.simulation.machines.verdict import violations
from ssv_protocol.types.committee import COMMITTEE_SIZES


def main() -> int:
    """Play, print the figures and what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m ssv_devnet.simulation.machines", description=__doc__)
    parser.add_argument("--size", type=int, choices=COMMITTEE_SIZES, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--traitors", type=int)
    options = parser.parse_args()
    result = play(Campaign(options.seed, options.size, options.slots, options.traitors))
    found = violations(result)
    report = (figures([result]), f"fingerprint {fingerprint(result)}", *(found or ["nothing is wrong"]))
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
