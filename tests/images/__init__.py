"""The images: that they are what the chart and the operator's manifests expect. `make images-check` runs them."""
