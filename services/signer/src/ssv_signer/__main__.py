"""`python -m ssv_signer`."""

import sys

from ssv_runtime.service import main
from ssv_signer.service import SERVICE

sys.exit(main(SERVICE))
