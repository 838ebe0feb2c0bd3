"""The Kubernetes operator: makes a running SSV operator node of an `SSVNode`.

`model` says what an SSVNode is, `resources` what follows from one (pure functions), `handlers` does it on a cluster.
"""
