"""`python -m ssv_eth1_listener`."""

import sys

from ssv_runtime.service import main

from ssv_eth1_listener.service import SERVICE

sys.exit(main(SERVICE))
