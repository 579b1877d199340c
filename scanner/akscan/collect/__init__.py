"""Reads Azure and Kubernetes. The only place that imports SDKs or opens sockets; every failure becomes a gap."""
