"""One operator on one machine: nats-server and the services as processes of one supervisor.

What the operator is (`settings`), where its files are (`folder`), what is to run (`operator_plan`).
"""
