"""`python -m ssv_kube`."""

from ssv_kube.main import main

main()
