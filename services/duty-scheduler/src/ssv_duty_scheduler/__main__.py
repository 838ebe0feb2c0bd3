"""`python -m ssv_duty_scheduler`."""

import sys

from ssv_duty_scheduler.service import SERVICE
from ssv_runtime.service import main

sys.exit(main(SERVICE))
