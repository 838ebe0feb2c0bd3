"""`python -m ssv_consensus`."""

import sys

from ssv_consensus.service import SERVICE
from ssv_runtime.service import main

sys.exit(main(SERVICE))
