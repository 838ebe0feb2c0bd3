"""The operator, the chart and the resource definition against a real Kubernetes control plane."""
