"""`python -m ssv_eth1_listener`."""

import sys

from ssv_eth1_listener.service import SERVICE
from ssv_runtime.service import main

sys.exit(main(SERVICE))
