"""Tests of the Kubernetes operator."""
