"""What the chart runs beside the operator: before it is uninstalled, and as `helm test`."""
