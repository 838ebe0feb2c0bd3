"""What a service is made of: settings, logs, metrics, traces, health, bus, RPC, lifecycle."""
