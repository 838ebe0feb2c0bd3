"""A signer process for the test of kills: the product, loaded ahead, started by a line on standard input.

The test starts the next one while the present one works, so that a kill costs no time for imports. With
--records-after-signing it is the build that must be found out.
"""

import sys

from ssv_runtime.service import main
from ssv_signer.service import SERVICE

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--records-after-signing"]:
        from tests.chaos import records_after_signing

        records_after_signing.install()
        arguments = arguments[1:]
    if sys.stdin.readline():
        sys.exit(main(SERVICE, arguments))
