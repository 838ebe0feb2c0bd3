"""`python -m ssv_p2p_gateway`."""

import sys

from ssv_p2p_gateway.service import SERVICE
from ssv_runtime.service import main

sys.exit(main(SERVICE))
